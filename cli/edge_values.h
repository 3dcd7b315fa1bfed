#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/edge/model.h"

namespace tercet::cli {

/// Values that were seen at one time.
struct EdgeRow {
  std::int64_t time_ms = 0;
  std::vector<std::pair<std::size_t, double>> values;  ///< position in the model's properties
};

/// Reads recorded values: CSV with a header (`time,temperature`), or an object per line (`{"time":1,"temperature":2}`).
/// Times are seconds and ascend. Properties that rules cannot use are passed over. False, with `problem` naming the
/// line, when it is something else.
bool read_edge_values(std::string_view text, const edge::Model& model, std::vector<EdgeRow>& rows,
                      std::string& problem);

/// The climate model's air, a sample each 5 s.
std::vector<EdgeRow> generate_edge_values(const edge::Model& model, double hours, std::uint32_t seed);

/// `limit=35`. False, with `problem` set, when the model has no such property or it is no number.
bool read_edge_setting(std::string_view text, const edge::Model& model, std::pair<std::size_t, double>& setting,
                       std::string& problem);

}  // namespace tercet::cli
