#include "platform/openapi/metrics_text.h"

#include <array>
#include <charconv>

namespace tercet::openapi {

MetricsText& MetricsText::head(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  text_.append(kind == Kind::counter ? " counter\n" : " gauge\n");
  return *this;
}

void MetricsText::begin_sample(std::string_view labels) {
  text_ += name_;
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_ += ' ';
}

MetricsText& MetricsText::sample(double value, std::string_view labels) {
  begin_sample(labels);
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text_.append(digits.data(), end).append("\n");
  return *this;
}

MetricsText& MetricsText::sample(std::uint64_t value, std::string_view labels) {
  begin_sample(labels);
  text_.append(std::to_string(value)).append("\n");
  return *this;
}

MetricsText& MetricsText::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  return head(name, Kind::counter, help).sample(value);
}

MetricsText& MetricsText::gauge(std::string_view name, std::string_view help, double value) {
  return head(name, Kind::gauge, help).sample(value);
}

}  // namespace tercet::openapi
