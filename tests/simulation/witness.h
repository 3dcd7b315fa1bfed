#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tercet/base/bytes.h"

namespace tercet::simulation {

/// Reads along on a board's wire, and so knows without asking the SDK which readings the platform has acknowledged.
class Witness {
 public:
  /// A new connection.
  void opened();
  /// The board has said this.
  void sent(Bytes bytes);
  /// The platform has said this; gives the times of the readings that were acknowledged by it.
  std::vector<std::int64_t> received(Bytes bytes);

 private:
  std::string out_, in_;
  std::map<std::uint16_t, std::vector<std::int64_t>> unanswered_;
};

/// The numbers behind each `"time":` of a JSON text.
std::vector<std::int64_t> times_in(std::string_view json);

}  // namespace tercet::simulation
