#include "ports/posix/air_sensor.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "ports/posix/files.h"

namespace tercet::posix {
namespace {

std::optional<double> read_number(const std::string& path) {
  const auto text = read_file(path, 256);
  if (!text || text->empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  return end == text->c_str() ? std::nullopt : std::optional<double>(value);
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::error_code problem;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory, problem)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string describe(const std::string& directory) {
  const auto name = read_file(directory + "/name", 256);
  std::string chip = name ? *name : "chip";
  while (!chip.empty() && chip.back() == '\n') chip.pop_back();
  return chip + " at " + std::filesystem::path(directory).filename().string();
}

}  // namespace

std::unique_ptr<AirSensor> AirSensor::find(const std::string& sys) {
  auto sensor = std::make_unique<AirSensor>();
  for (const std::string& directory : entries_of(sys + "/class/hwmon"))
    if (find_hwmon(directory, *sensor)) return sensor;
  for (const std::string& directory : entries_of(sys + "/bus/iio/devices"))
    if (find_iio(directory, *sensor)) return sensor;
  return nullptr;
}

bool AirSensor::find_hwmon(const std::string& directory, AirSensor& into) {
  const std::string temperature = directory + "/temp1_input", humidity = directory + "/humidity1_input";
  if (!read_number(temperature) || !read_number(humidity)) return false;
  into.temperature_ = {temperature, 0, 0.001};
  into.humidity_ = {humidity, 0, 0.001};
  into.description_ = describe(directory);
  return true;
}

/// `_input` is in thousandths already; `_raw` wants the offset and scale beside it, which give thousandths.
bool AirSensor::find_iio_channel(const std::string& stem, Channel& into) {
  if (read_number(stem + "_input")) {
    into = {stem + "_input", 0, 0.001};
    return true;
  }
  if (!read_number(stem + "_raw")) return false;
  into = {stem + "_raw", read_number(stem + "_offset").value_or(0), read_number(stem + "_scale").value_or(1) * 0.001};
  return true;
}

bool AirSensor::find_iio(const std::string& directory, AirSensor& into) {
  if (!find_iio_channel(directory + "/in_temp", into.temperature_)) return false;
  if (!find_iio_channel(directory + "/in_humidityrelative", into.humidity_)) return false;
  into.description_ = describe(directory);
  return true;
}

Result<climate::Reading> AirSensor::sample(UnixMillis) {
  const auto temperature = read_number(temperature_.path), humidity = read_number(humidity_.path);
  if (!temperature || !humidity) return fail(Error::io_failed);
  climate::Reading reading;
  reading.temperature = static_cast<float>((*temperature + temperature_.offset) * temperature_.scale);
  reading.humidity = static_cast<float>((*humidity + humidity_.offset) * humidity_.scale);
  return reading;
}

}  // namespace tercet::posix
