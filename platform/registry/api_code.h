#pragma once
#include <string>
#include <string_view>

#include "platform/registry/api_code_table.h"

namespace tercet::registry {

/// What a row of api_code_table.h says of a code of the management API.
struct ApiCodeText {
  std::string_view code, cause_en, cause_zh, remedy_en, remedy_zh;
};
inline constexpr ApiCodeText kApiCodes[] = {
#define TERCET_ROW(code, cause_en, cause_zh, remedy_en, remedy_zh) {code, cause_en, cause_zh, remedy_en, remedy_zh},
    TERCET_API_CODES(TERCET_ROW)
#undef TERCET_ROW
};

/// The row of a code: its own, else its family's (Missing* for MissingDeviceName); null for a code that is in no row.
constexpr const ApiCodeText* find_api_code(std::string_view code) {
  for (const ApiCodeText& row : kApiCodes)
    if (row.code == code) return &row;
  for (const ApiCodeText& row : kApiCodes)
    if (row.code.ends_with('*') && code.size() >= row.code.size() &&
        code.starts_with(row.code.substr(0, row.code.size() - 1)))
      return &row;
  return nullptr;
}

/// A code of the management API. It is made of a literal, and one that api_code_table.h does not have does not compile:
/// so every code that an answer carries is in the error book. A view of static storage; copy it freely.
class ApiCode {
 public:
  constexpr ApiCode() = default;  ///< iot.system.SystemException
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is to be written where the code is wanted
  consteval ApiCode(const char* literal) : text_(literal) {
    if (find_api_code(literal) == nullptr) throw "this code is not in api_code_table.h: add a row";
  }
  constexpr std::string_view text() const { return text_; }
  constexpr operator std::string_view() const { return text_; }  // NOLINT(google-explicit-constructor)
  friend constexpr bool operator==(ApiCode a, std::string_view b) { return a.text_ == b; }

 private:
  std::string_view text_ = "iot.system.SystemException";
};

/// The codes that name a parameter: of the families Missing* and Invalid*.
class ParameterCode {
 public:
  static ParameterCode missing(std::string_view parameter) { return ParameterCode("Missing", parameter); }
  static ParameterCode invalid(std::string_view parameter) { return ParameterCode("Invalid", parameter); }
  const std::string& text() const { return text_; }

 private:
  ParameterCode(const char* family, std::string_view parameter) : text_(family) { text_ += parameter; }
  std::string text_;
};

}  // namespace tercet::registry
