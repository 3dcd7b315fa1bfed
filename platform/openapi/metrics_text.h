#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tercet::openapi {

/// Writes the Prometheus text format 0.0.4. One family after another: head(), then its samples.
class MetricsText {
 public:
  enum class Kind : unsigned char { counter, gauge };
  MetricsText& head(std::string_view name, Kind kind, std::string_view help);
  /// A sample of the family begun last. labels: `shard="0"`, already escaped; "" for none.
  MetricsText& sample(double value, std::string_view labels = {});
  MetricsText& sample(std::uint64_t value, std::string_view labels = {});
  /// A family of one sample.
  MetricsText& counter(std::string_view name, std::string_view help, std::uint64_t value);
  MetricsText& gauge(std::string_view name, std::string_view help, double value);
  const std::string& text() const { return text_; }

 private:
  void begin_sample(std::string_view labels);
  std::string text_, name_;
};

}  // namespace tercet::openapi
