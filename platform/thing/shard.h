#pragma once
#include <array>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platform/thing/commits.h"
#include "platform/thing/device_state.h"
#include "platform/thing/ingress.h"
#include "platform/thing/pending_calls.h"
#include "platform/thing/pending_sets.h"
#include "platform/thing/record.h"
#include "platform/thing/validate.h"
#include "tercet/alink/batch.h"
#include "tercet/alink/envelope.h"
#include "tercet/alink/property.h"
#include "tercet/alink/topic.h"
#include "tercet/auth/cause.h"

namespace tercet::thing {

/// The thing module of one shard: what ingress.h promises to the broker and things.h to the OpenAPI, over one state.
/// shard.cc: devices, products, groups; post.cc: properties and events; sets.cc: property sets; calls.cc:
/// services and RRPC; desired.cc: desired values; configuration.cc: remote configuration; upgrades.cc: firmware;
/// services.cc: the other topics; things.cc: reads.
class ThingIngress::Shard final : public Things, public registry::DirectoryListener, private CommitOwner {
 public:
  Shard(const Wiring& wiring, const Settings& settings);
  void attach(broker::Egress& egress) { egress_ = &egress; }
  Result<void> load();

  // broker::Ingress
  Taken on_message(const broker::Inbound& message);
  void on_online(broker::SessionRef session, std::uint64_t tag, const runtime::Address& peer,
                 std::string_view client_id);
  void on_offline(std::uint64_t tag);

  // Things
  void latest(std::uint64_t device, std::function<void(std::optional<Summary>)> answer) override;
  void latest_of(std::vector<std::uint64_t> devices, std::function<void(std::vector<Summary>)> answer) override;
  void list(std::string product, std::uint64_t after, std::size_t limit,
            std::function<void(std::vector<Summary>)> answer) override;
  std::optional<Presence> presence(std::uint64_t device) const override;
  Counts counts() const override;
  SetTicket set_properties(std::uint64_t device, std::string_view items,
                           std::function<void(const SetResult&)> on_result) override;
  SetTicket invoke_service(std::uint64_t device, std::string_view identifier, std::string_view args,
                           std::function<void(const CallResult&)> on_result) override;
  SetTicket rrpc(std::uint64_t device, std::string_view topic, Bytes payload, Millis timeout,
                 std::function<void(const CallResult&)> on_result) override;
  void set_desired(std::uint64_t device, std::string items, std::string versions,
                   std::function<void(const DesiredResult&)> done) override;
  void clear_desired(std::uint64_t device, std::vector<std::string> identifiers,
                     std::function<void(const DesiredResult&)> done) override;
  void desired(std::uint64_t device, std::function<void(std::vector<Desired>)> answer) override;
  void push_configuration(std::string product, std::function<void(std::size_t sent)> done) override;
  Delivery send(std::uint64_t device, std::string_view topic, Bytes payload, std::uint8_t qos) override;
  void put_model(std::string product, std::uint64_t version, std::shared_ptr<const Model> model) override;
  void forget(std::uint64_t device) override;
  void listen(Updates* updates) override { updates_ = updates; }

  // registry::DirectoryListener
  void on_product_changed(const registry::Product& product) override;
  void on_product_removed(std::string_view key) override;
  void on_device_removed(const registry::Device& device) override { forget(device.number); }

 private:
  /// A message on its way through: what every handler needs.
  struct Message {
    const broker::Inbound& in;
    const alink::Topic& topic;
    DeviceState& device;
    ProductBinding& product;
  };
  enum class Kept : std::uint8_t { live, past };  ///< past: history only, never a last value
  /// A value that has passed its check.
  struct Accepted {
    std::uint32_t property;
    const std::string* name;
    std::string_view value;
    std::int64_t time;
    bool repeated = false;  ///< the same property at the same time: its value has gone to the first of them
  };
  /// Where the record of that round has a property already.
  struct Seen {
    std::uint64_t round = 0;
    std::uint32_t at = 0;
  };
  struct KeptModel {
    std::uint64_t version = 0;
    std::shared_ptr<const Model> model;
  };

  // CommitOwner
  void before_submit(CommitGroup& group) override;
  void on_durable(CommitGroup& group) override;
  void undo(const CommitGroup& group) override;
  void on_refused(CommitGroup& group, Error error) override;

  // shard.cc
  DeviceState* find_device(std::uint64_t number);
  DeviceState& add_device(const registry::Device& device);
  ProductBinding& bind(std::string_view product);
  void refresh(ProductBinding& product);
  bool load_values(DeviceState& device, std::uint16_t chunk, std::string_view record);
  bool load_presence(DeviceState& device, std::string_view record);
  void store_values(CommitGroup& group, DeviceState& device);
  void presence_changed(DeviceState& device);
  void store_later(DeviceState& device);
  void store_presence(CommitGroup& group, DeviceState& device);
  void tell(const CommitGroup& group);
  void refuse_answer(const CommitGroup& group, const Answer& answer, alink::Code code, std::string_view evidence);
  Taken dispatch(const Message& message);

  // post.cc
  Taken on_property_post(const Message& message);
  Taken on_batch_post(const Message& message);
  Taken on_history_post(const Message& message);
  Taken on_event_post(const Message& message);
  void begin_message(const ProductBinding& product);
  void take_samples(const Message& message, const alink::DeviceSamples& from, Kept kept);
  void take_value(const ProductBinding& product, const json::Text& identifier, const alink::TimedValue& posted,
                  Kept kept);
  void drop(const json::Text& identifier, const Checked& why);
  bool is_time_good(const alink::TimedValue& posted, Kept kept) const;
  void write_values(DeviceState& device, Kept kept);
  void write_record(DeviceState& device, std::span<Accepted> values, Kept kept);
  void unite_repeated(std::span<Accepted> values);
  void change_value(DeviceState& device, const Accepted& value);
  bool take_event(DeviceState& device, const ProductBinding& product, std::string_view identifier,
                  const alink::TimedValue& posted, Kept kept);
  bool take_outputs(const ProductBinding& product, const Event& event, const json::Value& value);
  void tell_later(std::uint64_t device, const std::string* name, std::int64_t time, std::string_view value,
                  bool is_event);
  void put_record(RecordKind kind, std::uint64_t device, std::int64_t time);
  /// Answers once what the handler has put into the group is durable; at once when it has put nothing.
  Taken answer_later(const Message& message, const alink::Request& request);
  void note_dropped(const Message& message);

  // sets.cc
  Taken on_set_reply(const Message& message);
  void end_set(std::uint32_t id, PendingSets::Set set, const SetResult& result, std::string_view envelope);
  void expire_sets();
  std::optional<SetTicket> check_items(const ProductBinding& product, std::string_view items) const;

  // desired.cc
  Taken on_desired_get(const Message& message);
  Taken on_desired_delete(const Message& message);
  bool load_desired(DeviceState& device, std::string_view record);
  void before_desired(DeviceState& device);
  void store_desired(DeviceState& device);
  void when_kept(DesiredResult result, std::function<void(const DesiredResult&)> done);
  std::optional<SetTicket> check_versions(const DeviceState& device, const json::Value& items,
                                          std::string_view versions) const;

  // calls.cc
  Taken on_service_reply(const Message& message);
  Taken on_rrpc_answer(const Message& message);
  std::optional<SetTicket> check_args(const ProductBinding& product, const Service* service,
                                      std::string_view args) const;
  std::optional<SetTicket> check_callable(DeviceState* device);
  SetTicket wait_for(std::uint32_t id, Instant deadline, PendingCalls::Call call);
  bool send_rrpc(const DeviceState& device, std::uint32_t id, std::string_view topic, Bytes payload);
  void record_call(const PendingCalls::Call& call, std::string_view envelope);
  void end_call(PendingCalls::Call call, const CallResult& result);
  void expire_calls();
  std::uint32_t next_message_id();

  // configuration.cc
  Taken on_config_get(const Message& message);
  Taken on_config_push_reply(const Message& message);
  struct ConfigurationPush;
  void push_slice(const std::shared_ptr<ConfigurationPush>& push);
  std::string configuration_json(std::string_view product, const registry::Configuration& configuration) const;

  // upgrades.cc
  Taken on_ota_inform(const Message& message);
  Taken on_ota_progress(const Message& message);
  Taken on_ota_pull(const Message& message);
  Taken on_file_download(const Message& message);
  UpgradeMessage upgrade_message(UpgradeMessage::Kind kind, const DeviceState& device) const;
  Taken note_upgrade(const Message& message, std::string_view what);

  // services.cc
  Taken on_tsl_get(const Message& message);
  Taken on_ntp(const Message& message);
  Taken on_log_config_get(const Message& message);
  Taken decline(const Message& message);
  Taken decline_shadow(const Message& message);
  Taken decline_download(const Message& message, std::string_view id);
  /// Answers 460 or 6207 and notes why; the message is done with.
  Taken refuse(const Message& message, std::string_view id, alink::Code code, auth::Cause cause,
               std::string_view evidence);
  Taken refuse_unreadable(const Message& message);
  void reply_now(const Message& message, const alink::ReplyFields& fields);
  void send_now(const Message& message, std::string_view topic, std::string_view payload);
  /// A journal entry, unless this device has had its share of the minute.
  void note(DeviceState& device, const broker::Inbound* in, auth::Cause cause, std::int32_t code,
            std::string_view evidence);

  // things.cc
  Summary summary_of(const DeviceState& device) const;

  runtime::Loop& loop_;
  registry::Directory& directory_;
  broker::Journal& journal_;
  Settings settings_;
  broker::Egress* egress_ = nullptr;
  Updates* updates_ = nullptr;
  Counts counts_;

  Names names_;
  std::unordered_map<std::string, std::unique_ptr<ProductBinding>, TextHash, std::equal_to<>> products_;
  std::unordered_map<std::string, KeptModel, TextHash, std::equal_to<>> models_;
  DeviceTable devices_;
  Commits commits_;
  PendingSets sets_;
  PendingCalls calls_;
  std::uint32_t next_set_ = 0;
  const registry::FileLinks* files_;
  std::function<void(const registry::ConfigurationAnswer&)> configured_;
  std::function<void(UpgradeMessage)> upgrades_;
  std::deque<std::pair<std::uint32_t, std::string>> pushed_;  ///< message ids and configurations of the last pushes
  runtime::Timer set_timer_, call_timer_;
  store::StreamStore& store_;  ///< for load()

  // Scratch of the message in hand.
  std::vector<Accepted> accepted_;
  std::vector<Seen> seen_;
  std::uint64_t round_ = 0;
  std::string dropped_;                                 ///< `"identifier":"text",…` without braces
  std::unordered_set<std::string_view> dropped_names_;  ///< those in dropped_, as they came
  std::uint32_t dropped_count_ = 0;
  std::uint32_t dropped_unnamed_ = 0;                ///< of identifiers for which dropped_ had no room
  alink::Code dropped_code_ = alink::Code::success;  ///< of the first one
  bool dropped_range_ = false;                       ///< the first one was of the right type
  std::uint32_t written_ = 0;                        ///< records put by this message
  std::string record_, key_, output_, topic_, reply_;
};

/// The buffer's new end after `write` has put at most `bound` bytes there.
template <typename Write>
Stretch append_written(std::string& out, std::size_t bound, Write&& write) {
  const std::size_t start = out.size();
  out.resize(start + bound);
  tercet::Writer writer({reinterpret_cast<std::uint8_t*>(out.data()) + start, bound});
  write(writer);
  TERCET_CHECK(writer.ok());
  out.resize(start + writer.size());
  return {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(writer.size())};
}

/// Room for a reply with these fields.
inline std::size_t reply_bound(const alink::ReplyFields& fields) {
  return fields.id.size() + fields.message.size() + fields.data.size() + fields.method.size() + 192;
}

}  // namespace tercet::thing
