#pragma once
#include <set>
#include <string>
#include <string_view>

namespace tercet::cli {

/// C++ names of one scope, made of a thing model's identifiers: each name is given once, none is a keyword or a macro
/// of the standard library. The same calls in the same order give the same names.
class ModelNames {
 public:
  /// The identifier as it is where that is possible: `report_interval`; "battery:level" of a module: `battery_level`.
  std::string value(std::string_view identifier);
  /// As the name of a type: `ReportInterval`. `suffix`: "Input".
  std::string type(std::string_view identifier, std::string_view suffix = {});
  /// What a choice of an enum is called in the model, as a name: "Eco mode" is `eco_mode`; `value_3`, `value_minus_1`
  /// when nothing is left of the text.
  std::string choice(std::string_view text, int number);
  /// A namespace; the stem of a file name.
  static std::string name_space(std::string_view stem);

 private:
  std::string once(std::string name);
  std::set<std::string> given_;
};

}  // namespace tercet::cli
