#pragma once
#include <string>
#include <string_view>

#include "platform/runtime/loop.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// Addresses that open one file for a while: `{base}{path}?Expires=…&Signature=…`, as devices are given them. The key
/// is made at each start, so a restart ends every link that is out; devices then ask for a new one. After set_base()
/// const, and for any thread.
class FileLinks {
 public:
  static constexpr Seconds kLifetime{1800};

  explicit FileLinks(runtime::Random& random);
  /// "https://host:port", where devices reach this platform. Before the first link.
  void set_base(std::string base) { base_ = std::move(base); }
  /// False: files are not offered here.
  bool is_offered() const { return !base_.empty(); }
  const std::string& base() const { return base_; }

  /// path: begins with `/`, and has only characters that stand for themselves in an address.
  std::string link(std::string_view path, UnixMillis now, Seconds lifetime = kLifetime) const;

  enum class Verdict : std::uint8_t { good, expired, forged };
  /// `expires` and `signature` as they stand in the link.
  Verdict check(std::string_view path, std::string_view expires, std::string_view signature, UnixMillis now) const;

 private:
  std::string sign(std::string_view path, std::string_view expires) const;
  std::string key_, base_;
};

}  // namespace tercet::registry
