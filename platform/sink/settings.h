#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::sink {

/// An action's configuration, read member by member. The first thing that is wrong is kept, in words that name the
/// member and what it should be; everything after it gives defaults.
class Settings {
 public:
  /// text: a JSON object.
  explicit Settings(std::string_view text);
  /// A part of another one; problems are told with its name in front and go to it.
  Settings(Settings& parent, std::string_view name, const boost::json::object& part);

  bool has(std::string_view name) const;
  /// Of a member that must be there, and not empty.
  std::string text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise);
  std::int64_t number_or(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most);
  bool flag_or(std::string_view name, bool otherwise);
  std::vector<std::string> list(std::string_view name);  ///< of texts; empty when it is not there
  /// Null when it is not there.
  const boost::json::object* object(std::string_view name);
  const boost::json::value* value(std::string_view name);
  /// One of these texts.
  std::string choice(std::string_view name, std::initializer_list<std::string_view> all, std::string_view otherwise);

  /// Says that a member is wrong.
  void refuse(std::string_view name, std::string_view why);
  /// After all have been read: a member that nobody asked for is a mistake, too.
  void finish();
  bool ok() const { return problem().empty(); }
  const std::string& problem() const { return parent_ != nullptr ? parent_->problem() : problem_; }

 private:
  const boost::json::value* find(std::string_view name);
  void set_problem(std::string text);

  boost::json::object own_;
  const boost::json::object* object_ = &own_;
  Settings* parent_ = nullptr;
  std::string prefix_;
  std::vector<std::string> asked_;
  std::string problem_;
};

}  // namespace tercet::sink
