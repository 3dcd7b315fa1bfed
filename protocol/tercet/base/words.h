#pragma once
#include <cstddef>
#include <string_view>

#include "tercet/base/one_copy.h"

namespace tercet {

/// The n-th word of a list with one blank between words; "" behind the last. For the names of enumerators: a table of
/// string views would need as much flash again as the names.
TERCET_ONE_COPY constexpr std::string_view nth_word(std::string_view list, std::size_t n) {
  for (; n > 0 && !list.empty(); --n) {
    const std::size_t blank = list.find(' ');
    list.remove_prefix(blank == std::string_view::npos ? list.size() : blank + 1);
  }
  return list.substr(0, list.find(' '));
}

}  // namespace tercet
