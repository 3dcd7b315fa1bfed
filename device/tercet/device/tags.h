#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "tercet/device/client.h"
#include "tercet/device/system_topics.h"

namespace tercet::device {

/// A label of a device, to find it by: docs/tags.md says what a key and a value may have in them.
struct Tag {
  std::string_view key, value;
};

/// What the platform answers, on the task that calls Device::run().
class TagEvents {
 public:
  /// One of the tags that get() asked for; before the answer. The views live during the call.
  virtual void on_tag(const Tag& tag) { static_cast<void>(tag); }
  /// The answer to an update, a removal or a get: 200, or why nothing of it was done (460: a key, a value, too many).
  virtual void on_tags_answered(MessageId id, std::int32_t code) { static_cast<void>(id), static_cast<void>(code); }

 protected:
  ~TagEvents() = default;
};

/// The tags of this device. Takes one subscription (DeviceBuffers' kUserFilters). The client's task only.
class Tags {
 public:
  /// Both outlive it. scratch: the longest message: about 90 bytes, and per tag 32 and its texts.
  Tags(TagEvents& events, MutableBytes scratch) : events_(events), scratch_(scratch) {}
  Tags(const Tags&) = delete;
  Tags& operator=(const Tags&) = delete;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe(); too_large, the names.
  Result<void> start(Device& device, const DeviceId& id);

  /// All that follows goes out at once, at QoS 1; the id is that of the answer. Errors: bad_state, not online;
  /// would_block or no_space, retry after the next run(); too_large, more than `scratch`.
  /// Sets these tags; others stay. All of it is done or nothing.
  Result<MessageId> update(std::span<const Tag> tags);
  Result<MessageId> update(std::initializer_list<Tag> tags) { return update(std::span(tags.begin(), tags.size())); }
  /// Takes these away; one that is not there is no mistake.
  Result<MessageId> remove(std::initializer_list<std::string_view> keys);
  /// Asks for these, or for all of them; each comes to on_tag().
  Result<MessageId> get(std::initializer_list<std::string_view> keys = {});

  /// True: it was ours, and events were told. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload);

 private:
  template <typename Write>
  Result<MessageId> send(std::string_view tail, std::string_view method, Write&& write_list);
  Result<MessageId> send_keys(std::string_view tail, std::string_view method,
                              std::initializer_list<std::string_view> keys);
  void tell(const json::Value& tag);

  TagEvents& events_;
  MutableBytes scratch_;
  SystemTopics topics_;
  SystemTopics::Filter filter_;
};

}  // namespace tercet::device
