#pragma once
#include <string>
#include <string_view>

namespace tercet::broker {

/// Who owns a session. A device goes by ProductKey and DeviceName, whatever its MQTT client id; a client of a listener
/// with the `standard` policy goes by its client id.
struct Identity {
  enum class Kind : unsigned char { device, client } kind = Kind::device;
  std::string name;  ///< device: "<ProductKey>/<DeviceName>"; client: the client id

  /// The key of the session and of its home shard: distinct for the two kinds.
  std::string key() const { return (kind == Kind::device ? "d/" : "c/") + name; }
  std::string_view product() const { return std::string_view(name).substr(0, name.find('/')); }
  std::string_view device() const { return std::string_view(name).substr(name.find('/') + 1); }
  friend bool operator==(const Identity&, const Identity&) = default;
};

inline std::string device_key(std::string_view product, std::string_view device) {
  std::string key;
  key.reserve(3 + product.size() + device.size());
  return key.append("d/").append(product).append("/").append(device);
}

}  // namespace tercet::broker
