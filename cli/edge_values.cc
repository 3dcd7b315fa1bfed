#include "cli/edge_values.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "climate/diurnal.h"
#include "climate/monitor.h"
#include "tercet/json/reader.h"

namespace tercet::cli {
namespace {

constexpr std::size_t kTime = static_cast<std::size_t>(-1), kSkipped = static_cast<std::size_t>(-2);
constexpr double kMostSeconds = 1e12;

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return taken;
}

std::optional<double> number_of(std::string_view text) {
  if (text == "true") return 1;
  if (text == "false") return 0;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::size_t> place_of(std::string_view name, const edge::Model& model) {
  if (name == "time") return kTime;
  const auto at = edge::position(model.properties, name);
  if (!at) return std::nullopt;
  return model.properties[*at].type == edge::ValueType::other ? kSkipped : std::size_t{*at};
}

class Reader {
 public:
  Reader(const edge::Model& model, std::vector<EdgeRow>& rows, std::string& problem)
      : model_(model), rows_(rows), problem_(problem) {}

  bool read(std::string_view text) {
    const bool is_json = trim(text.substr(0, text.find('\n'))).starts_with('{');
    while (!text.empty()) {
      const std::string_view line = trim(take_until(text, '\n'));
      ++line_;
      if (line.empty()) continue;
      if (is_json ? !object(line) : columns_.empty() ? !header(line) : !cells(line)) return false;
    }
    if (rows_.empty()) problem_ = "no values in it";
    return !rows_.empty();
  }

 private:
  bool refuse(const std::string& what) {
    problem_ = "line " + std::to_string(line_) + ": " + what;
    return false;
  }
  bool header(std::string_view line) {
    while (!line.empty()) {
      const std::string_view name = trim(take_until(line, ','));
      const auto at = place_of(name, model_);
      if (!at) return refuse("the thing model has no property " + std::string(name));
      columns_.push_back(*at);
    }
    return true;
  }
  bool cells(std::string_view line) {
    begin();
    for (const std::size_t column : columns_) {
      const std::string_view cell = trim(take_until(line, ','));
      if (!cell.empty() && !put(column, number_of(cell), cell)) return false;
    }
    return line.empty() ? end() : refuse("more cells than columns");
  }
  bool object(std::string_view line) {
    const auto value = json::parse(line);
    if (!value || !value->is(json::Type::object)) return refuse("not a JSON object");
    begin();
    for (const json::Member& member : value->members()) {
      const std::string name(member.name.raw());
      const auto at = place_of(name, model_);
      if (!at) return refuse("the thing model has no property " + name);
      const auto said = member.value.boolean();
      if (!put(*at, said ? std::optional<double>(*said ? 1 : 0) : member.value.real(), member.value.raw()))
        return false;
    }
    return end();
  }
  void begin() { row_ = {}, has_time_ = false; }
  bool put(std::size_t column, std::optional<double> value, std::string_view text) {
    if (column == kSkipped) return true;
    if (!value) return refuse(std::string(text) + " is no number");
    if (column != kTime) {
      row_.values.emplace_back(column, *value);
      return true;
    }
    if (!(*value >= 0 && *value <= kMostSeconds)) return refuse("time is seconds, not negative");
    row_.time_ms = std::llround(*value * 1000);
    return has_time_ = true;
  }
  bool end() {
    if (!has_time_) return refuse("no time");
    if (!rows_.empty() && row_.time_ms < rows_.back().time_ms) return refuse("time goes back");
    rows_.push_back(row_);
    return true;
  }

  const edge::Model& model_;
  std::vector<EdgeRow>& rows_;
  std::string& problem_;
  std::vector<std::size_t> columns_;
  EdgeRow row_;
  bool has_time_ = false;
  std::size_t line_ = 0;
};

}  // namespace

bool read_edge_values(std::string_view text, const edge::Model& model, std::vector<EdgeRow>& rows,
                      std::string& problem) {
  return Reader(model, rows, problem).read(text);
}

std::vector<EdgeRow> generate_edge_values(const edge::Model& model, double hours, std::uint32_t seed) {
  climate::DiurnalModel weather(seed);
  const auto temperature = edge::position(model.properties, climate::kTemperature.identifier);
  const auto humidity = edge::position(model.properties, climate::kHumidity.identifier);
  std::vector<EdgeRow> rows;
  constexpr std::int64_t kMidnight = 1'800'028'800'000;  // at UTC+8
  for (std::int64_t ms = 0; ms <= std::llround(hours * 3'600'000); ms += 5'000) {
    EdgeRow row{ms, {}};
    const auto air = weather.sample(UnixMillis{kMidnight + ms});
    if (!air) continue;
    if (temperature) row.values.emplace_back(*temperature, device::widen(air->temperature));
    if (humidity) row.values.emplace_back(*humidity, device::widen(air->humidity));
    rows.push_back(row);
  }
  return rows;
}

bool read_edge_setting(std::string_view text, const edge::Model& model, std::pair<std::size_t, double>& setting,
                       std::string& problem) {
  const std::string_view whole = text;
  const std::string_view name = trim(take_until(text, '='));
  const auto at = place_of(name, model);
  const auto value = number_of(trim(text));
  if (!at || *at == kTime || *at == kSkipped || !value) {
    problem = "--set " + std::string(whole) + ": wants PROPERTY=NUMBER of the thing model";
    return false;
  }
  setting = {*at, *value};
  return true;
}

}  // namespace tercet::cli
