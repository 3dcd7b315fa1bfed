#pragma once
#include <Print.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "ports/arduino/sketch_secrets.h"
#include "tercet/device/client.h"

/// A value with the name that the thing model gives it: {"temperature", 21.5f}. Texts live until the call returns.
class TercetValue {
 public:
  TercetValue(const char* name, float value) : TercetValue(tercet::device::Property<float>{name}(value)) {}
  TercetValue(const char* name, double value) : TercetValue(tercet::device::Property<double>{name}(value)) {}
  TercetValue(const char* name, bool value) : TercetValue(tercet::device::Property<bool>{name}(value)) {}
  TercetValue(const char* name, int value) : TercetValue(whole(name, value)) {}
  TercetValue(const char* name, long value) : TercetValue(whole(name, value)) {}
  TercetValue(const char* name, unsigned value) : TercetValue(whole(name, value)) {}
  TercetValue(const char* name, unsigned long value) : TercetValue(whole(name, static_cast<long long>(value))) {}
  TercetValue(const char* name, const char* value)
      : TercetValue(tercet::device::Property<std::string_view>{name}(value)) {}
  const tercet::device::PropertyValue& get() const { return value_; }

 private:
  explicit TercetValue(const tercet::device::PropertyValue& value) : value_(value) {}
  static tercet::device::PropertyValue whole(const char* name, long long value) {
    return tercet::device::Property<std::int64_t>{name}(value);
  }
  tercet::device::PropertyValue value_;
};

/// A sketch's connection to the platform: Tercet, or the cloud whose protocol it speaks. Make one, outside of all
/// functions. setup() fills it in and calls begin(); loop() calls loop() as often as it can, and waits nowhere long.
/// Wi-Fi is the sketch's business: WiFi.begin(), and the core keeps it up.
///
/// Nothing here blocks, allocates after begin(), or restarts the board; whatever the network does, it tries again.
class TercetDevice final : private tercet::device::DeviceEvents {
 public:
  static constexpr std::size_t kMostSettings = 8, kMostValues = 16;
  using Language = tercet::device::Language;

  TercetDevice() = default;
  TercetDevice(const TercetDevice&) = delete;
  TercetDevice& operator=(const TercetDevice&) = delete;

  // --- Before begin(). All texts outlive the device: literals and #defines do.

  /// Where the platform is. 8883, 1883 and 443 take TLS.
  void host(const char* name, std::uint16_t port = 8883);
  /// The real cloud: an instance ("iot-..."), or a region of the old public instance ("cn-shanghai").
  void instance(const char* id) { instance_ = id; }
  void region(const char* name) { region_ = name; }
  /// Roots to believe, in PEM, or lines `pin-sha256:<hex>`. Without any: what was provisioned, else the core's bundle
  /// of public roots.
  void trust(const char* text) { trust_ = text; }
  /// Tells here what happens, step by step, and what to do about it: logTo(Serial).
  void logTo(Print& out, Language language = Language::english) { out_ = &out, language_ = language; }
  /// Everything else that can be chosen.
  tercet::device::Options& options() { return options_; }

  /// A variable that the platform may set, within a range. It is checked, kept over restarts, and told to the platform.
  /// False: there are kMostSettings already.
  bool setting(const char* name, int& variable, int least, int most);
  bool setting(const char* name, float& variable, float least, float most);
  bool setting(const char* name, bool& variable);
  /// A function that is called with a value the platform has set. It is not kept. False: as setting().
  bool onSet(const char* name, int least, int most, void (*call)(int));
  bool onSet(const char* name, float least, float most, void (*call)(float));
  bool onSet(const char* name, void (*call)(bool));

  /// Starts with this triple (from secrets.h), or with the one that `tercet provision` has put into the board. False:
  /// problem() says what is wrong; nothing that waiting would cure.
  bool begin(const char* product_key, const char* device_name, const char* device_secret);
  bool begin();

  // --- Afterwards.

  /// Does what there is to do. A few milliseconds; a TLS handshake takes longer.
  void loop();
  bool online() const { return device_ && device_->is_online(); }

  /// Posts values of now, in one message. They wait in memory, and in flash where there is a partition `outbox`, while
  /// the network is away. False: problem() says why they were not taken.
  bool post(std::initializer_list<TercetValue> values);
  template <typename T>
  bool property(const char* name, T value) {
    return post({TercetValue(name, value)});
  }
  bool event(const char* name, std::initializer_list<TercetValue> output = {});

  /// What the last failed call, or the last failed connection, is about.
  const char* problem() const { return problem_; }
  std::uint32_t waiting() const { return device_ ? device_->outbox().waiting : 0; }  ///< posts not sent yet
  std::uint32_t dropped() const { return device_ ? device_->outbox().dropped : 0; }  ///< posts given up

  // --- For more than a sketch needs.

  /// The SDK's own object. Null before begin().
  tercet::device::Device* device() { return device_ ? &*device_ : nullptr; }
  /// The board's parts. After begin().
  const tercet::device::Port& port() const { return *port_; }
  /// Whose on_set() obeys, for what acts in the platform's place: rules.
  tercet::device::DeviceEvents& events() { return *this; }
  /// Also asked about sets, before the settings above: for what they cannot express.
  void watch_sets(void (*call)(tercet::device::PropertySet&, void* with), void* with) {
    watch_sets_ = call, watch_sets_with_ = with;
  }

 private:
  /// One name that the platform may set: a variable or a function.
  struct Setting {
    enum class Type : std::uint8_t { whole, real, boolean };
    std::string_view name;
    Type type = Type::whole;
    double least = 0, most = 1;
    void* variable = nullptr;
    void (*call_whole)(int) = nullptr;
    void (*call_real)(float) = nullptr;
    void (*call_boolean)(bool) = nullptr;
  };
  bool add(const Setting& setting);
  static std::optional<double> wanted(const Setting& setting, tercet::device::PropertySet& set);
  static void apply(const Setting& setting, double value);
  static tercet::device::PropertyValue value_of(const Setting& setting);
  static tercet::device::PropertyValue value_of(const Setting& setting, double value);
  void load_settings();
  void keep(const Setting& setting, double value);
  void post_settings();

  bool start(const tercet::DeviceId& id, tercet::device::SecretStore* secrets);
  bool find_host(const tercet::DeviceId& id, tercet::device::Endpoint& endpoint);
  bool fail(const char* problem);
  bool took(const tercet::Result<tercet::device::MessageId>& posted);
  void say(std::initializer_list<std::string_view> parts);

  void on_set(tercet::device::PropertySet& set) override;
  void on_reply(const tercet::device::PostReply& reply) override;
  void on_rung(tercet::device::Rung rung, const tercet::device::RungRecord& record, std::string_view detail) override;
  void on_online() override;
  void on_offline(tercet::device::Rung rung, tercet::Error error, tercet::Millis retry_in) override;

  const char *host_ = nullptr, *instance_ = nullptr, *region_ = nullptr, *trust_ = nullptr;
  std::uint16_t port_number_ = 8883;
  tercet::device::Options options_;
  Print* out_ = nullptr;
  Language language_ = Language::english;
  const char* problem_ = "";
  char error_name_[32] = {};  ///< what problem_ points to after a failed connection

  std::array<Setting, kMostSettings> settings_;
  std::size_t settings_used_ = 0;
  bool settings_due_ = true;
  void (*watch_sets_)(tercet::device::PropertySet&, void*) = nullptr;
  void* watch_sets_with_ = nullptr;

  tercet::arduino::SketchSecrets secrets_;
  tercet::FixedString<128> host_name_;
  std::optional<tercet::device::Port> port_;
  tercet::device::DeviceBuffers<> buffers_;
  std::optional<tercet::device::Device> device_;
};
