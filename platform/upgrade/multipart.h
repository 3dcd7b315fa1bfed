#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tercet/base/bytes.h"

namespace tercet::upgrade {

/// What a MultipartReader has found. Views live until the call returns.
class MultipartEvents {
 public:
  /// A short field, whole. False stops the reading.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
  /// A part with a file name begins, goes on, ends. False stops the reading.
  virtual bool on_file(std::string_view name, std::string_view file_name) = 0;
  virtual bool on_file_bytes(Bytes bytes) = 0;
  virtual bool on_file_end() = 0;

 protected:
  ~MultipartEvents() = default;
};

/// Reads a `multipart/form-data` body [RFC7578] as it comes, in pieces of any size, and keeps no more of it than a
/// field, the head of a part, or the length of a boundary. A part is a file when it has a file name or is called
/// `file`, as in object stores' forms.
class MultipartReader {
 public:
  static constexpr std::size_t kMaxField = 8 * 1024;
  static constexpr std::size_t kMaxHead = 4 * 1024;
  static constexpr int kMaxParts = 64;

  /// The boundary that a Content-Type header names; "" when it is no form, or its boundary is none (1..70 bytes).
  static std::string boundary_of(std::string_view content_type);

  MultipartReader(std::string_view boundary, MultipartEvents& events);

  /// False: the body is no form, or the events said stop; nothing more is taken then, and problem() says why.
  bool take(Bytes bytes);
  /// Whether the closing boundary has come. What follows it is ignored.
  bool is_whole() const { return state_ == State::done; }
  std::string_view problem() const { return problem_; }

 private:
  enum class State : std::uint8_t { before, head, field, file, after_boundary, done, failed };
  bool step();
  bool read_head();
  bool read_part();
  bool give(std::string_view bytes);
  bool end_part();
  bool stop(std::string_view why);

  std::string mark_;  ///< CR LF, two dashes, the boundary
  MultipartEvents& events_;
  std::string waiting_, name_, value_;
  std::string_view problem_;
  int parts_ = 0;
  State state_ = State::before;
};

}  // namespace tercet::upgrade
