#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/openapi/percent.h"

namespace tercet::openapi {

/// The parameters of one call, from query and form together; of a name given twice the first counts.
/// Arrays are `Name.1`, `Name.2`; arrays of objects `Name.1.Field`.
class Parameters {
 public:
  static constexpr std::size_t kMaxElements = 1000;  ///< of one array

  Parameters() = default;
  explicit Parameters(const NamedTexts& fields);

  /// The value; "" when it was not given.
  std::string_view text(std::string_view name) const;
  bool has(std::string_view name) const { return !text(name).empty(); }
  /// A whole decimal number; nothing when absent or something else.
  std::optional<std::int64_t> number(std::string_view name) const;
  /// "true" or "false" in any case, 1 or 0; nothing otherwise.
  std::optional<bool> flag(std::string_view name) const;
  /// Name.1, Name.2, ... up to the first that is missing, or Name alone as the only element.
  std::vector<std::string> list(std::string_view name) const;

  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  /// {"A":1,"B":["x"],"C":[{"D":true}]} as A=1, B.1=x, C.1.D=true; what is there already stays. False: nested too
  /// deeply, or more than kMostFields; then some of them have been added.
  bool add(const boost::json::object& object);

 private:
  bool add(const std::string& name, const boost::json::value& value, int depth);
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace tercet::openapi
