#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The error book: every code that a user of this platform can meet, with cause and remedy. It has no list of its own:
/// its pages are the tables that the code itself is made of (alink/code_table.h, auth/cause.h, ...), so no code can be
/// emitted that is not in it. docs/errors.md and docs/errors.zh-CN.md are printed from it. Pure; any thread.
namespace tercet::cli {

struct ErrorEntry {
  std::string code;       ///< as it is seen: "6304", "sign.order", "iot.prod.NotExistedProduct"
  std::string_view says;  ///< the text that goes with it on the wire; may be empty
  std::string_view cause_en, cause_zh, remedy_en, remedy_zh;
};

struct ErrorChapter {
  std::string_view name;  ///< "alink", for the command line
  std::string_view title_en, title_zh, about_en, about_zh;
  std::vector<ErrorEntry> entries;  ///< in the order of their table
};

/// Made once; lives as long as the program.
std::span<const ErrorChapter> error_book();

/// Which entries a code names: the same number may be in several chapters (400 of a reply, 400 of a shadow). Also what
/// is of a family: MissingDeviceName is found as Missing*. Empty for an unknown code.
struct FoundError {
  const ErrorChapter* chapter;
  const ErrorEntry* entry;
};
std::vector<FoundError> find_error(std::string_view code);
/// The codes nearest to an unknown one, nearest first, at most `most`: what was meant, most likely. Numbers by their
/// distance, names by the changes from one to the other.
std::vector<FoundError> nearest_errors(std::string_view code, std::size_t most = 3);

/// The whole book as a page; `zh` in Chinese.
std::string error_page(bool zh);
/// What `tercet errors` prints: a line a code. `chapter` "" is all of them.
std::string error_list(std::string_view chapter, bool zh);
/// What `tercet explain CODE` prints.
std::string error_explanation(std::span<const FoundError> found, bool zh);

}  // namespace tercet::cli
