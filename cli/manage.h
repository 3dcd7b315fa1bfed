#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/openapi_client.h"

namespace tercet::cli {

/// One management call: prints the answer as JSON (`json`) or as a table a person reads, and gives the exit code:
/// 0 done, 1 refused by the platform (its code and text are printed), 2 no answer.
struct Call {
  std::string action;
  std::map<std::string, std::string> parameters;
  std::string list;  ///< path of the array to show as a table, "Data.List.ProductInfo"; "" for one object
  std::vector<std::string> columns;  ///< members shown; empty: all that are plain values
  bool as_records = false;           ///< one paragraph a row, for rows with sentences in them
};
int run_call(const ApiAccess& access, const Call& call, bool json);

/// Why the platform did not do it: "" when it did, else its code and text in a line a person can act on.
std::string refusal_of(const ApiAnswer& answer, const std::string& action);

/// The rows of `list` as paragraphs of "Name: value" lines, empty members left out.
std::string render_records(const std::string& body, const std::string& list, const std::vector<std::string>& columns);
/// The table for `list` rows in a JSON answer; exposed for its test.
std::string render_table(const std::string& body, const std::string& list, const std::vector<std::string>& columns);

}  // namespace tercet::cli
