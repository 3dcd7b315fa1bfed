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

#include "platform/broker/rate.h"
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
/// services and RRPC; gets.cc: property get; pack.cc: pack post; broadcast.cc: broadcasts; desired.cc: desired values;
/// device_logs.cc: devices' logs and network reports; configuration.cc: remote configuration; upgrades.cc: firmware;
/// shadows.cc: shadows; gateways.cc, sub_devices.cc: sub-devices, on their gateway's shard and on their own;
/// outgoing.cc: messages for applications; services.cc: the other topics; things.cc: reads.
class ThingIngress::Shard final : public Things,
                                  public registry::DirectoryListener,
                                  public SubDeviceHome,
                                  private CommitOwner {
 public:
  Shard(const Wiring& wiring, const Settings& settings);
  void attach(broker::Egress& egress) { egress_ = &egress; }
  Result<void> load();

  // broker::Ingress
  Taken on_message(const broker::Inbound& message);
  Taken on_custom(const broker::Inbound& message);
  void on_online(broker::SessionRef session, std::uint64_t tag, const runtime::Address& peer,
                 std::string_view client_id);
  void on_offline(std::uint64_t tag);
  void on_subscribed(std::uint64_t tag);
  void on_receipt(std::uint64_t tag, std::uint64_t receipt);
  bool on_stranger(const broker::Inbound& message);
  void on_ride_over(broker::SessionRef session, std::uint64_t tag, std::string_view name, broker::RideEnd why);

  // SubDeviceHome
  SubLoginAnswer log_in(const SubLogin& login, Step step) override;
  void undo(const SubLogin& login) override;

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
  SetTicket get_properties(std::uint64_t device, std::vector<std::string> identifiers,
                           std::function<void(const CallResult&)> on_result) override;
  SetTicket rrpc(std::uint64_t device, std::string_view topic, Bytes payload, Millis timeout,
                 std::function<void(const CallResult&)> on_result) override;
  void when_translated(std::uint32_t message_id, std::function<void(SetTicket)> then) override;
  void set_desired(std::uint64_t device, std::string items, std::string versions,
                   std::function<void(const DesiredResult&)> done) override;
  void clear_desired(std::uint64_t device, std::vector<std::string> identifiers,
                     std::function<void(const DesiredResult&)> done) override;
  void desired(std::uint64_t device, std::function<void(std::vector<Desired>)> answer) override;
  void log_upload(std::uint64_t device, std::optional<bool> wanted,
                  std::function<void(const LogUpload&)> done) override;
  void update_shadow(std::uint64_t device, std::string message, bool merges,
                     std::function<void(const ShadowResult&)> done) override;
  void shadow(std::uint64_t device, std::function<void(std::optional<std::string>)> answer) override;
  void push_configuration(std::string product, std::function<void(std::size_t sent)> done) override;
  void broadcast(std::string product, std::string id, std::string payload,
                 std::function<void(std::size_t sent)> done) override;
  Delivery send(std::uint64_t device, std::string_view topic, Bytes payload, std::uint8_t qos) override;
  void tell_applications(Announcement message) override;
  void put_model(std::string product, std::uint64_t version, std::shared_ptr<const Model> model) override;
  void forget(std::uint64_t device) override;
  void listen(Updates* updates) override { updates_ = updates; }

  // registry::DirectoryListener
  void on_product_changed(const registry::Product& product) override;
  void on_product_removed(std::string_view key) override;
  void on_device_changed(const registry::Device& device) override;
  void on_device_removed(const registry::Device& device) override;

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
  /// A field for the journal: what dropped_ says about it, from `from` on.
  struct DroppedField {
    alink::Code code = alink::Code::success;
    bool is_range = false;  ///< of the right type, but not allowed by its specs
    std::size_t from = 0, size = 0;
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
  /// Names in the reply, and notes for the journal, a value that is not kept. is_range: of the right type, but not
  /// allowed by its specs.
  void drop(const json::Text& identifier, const Checked& why, bool is_range = false);
  bool is_time_good(const alink::TimedValue& posted, Kept kept) const;
  bool is_out_of_range(const ProductBinding& product, const Spec& spec, const json::Value& value) const;
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
  /// An entry for each dropped field, the first of them only (kMaxNotedFields): the last entry counts the others.
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

  // device_logs.cc
  Taken on_log_config_get(const Message& message);
  Taken on_log_post(const Message& message);
  Taken on_network_post(const Message& message);
  std::int64_t time_or_now(std::optional<UnixMillis> said) const;
  bool load_log_upload(DeviceState& device, std::string_view record);
  bool push_log_config(const DeviceState& device);

  // shadows.cc
  Taken on_shadow_update(const Message& message);
  bool load_shadow(DeviceState& device, std::string_view record);
  void before_shadow(DeviceState& device);
  void store_shadow(DeviceState& device);
  bool shadow_allowed(DeviceState& device);
  void send_control(DeviceState& device);
  void emit_shadow(const DeviceState& device, std::string_view source);
  std::string shadow_topic(const DeviceState& device) const;

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

  // gets.cc
  Taken on_get_reply(const Message& message);
  std::optional<SetTicket> check_identifiers(const ProductBinding& product,
                                             std::span<const std::string> identifiers) const;

  // pack.cc
  Taken on_pack_post(const Message& message);
  void try_samples(const Message& message, const alink::DeviceSamples& from);
  Taken refuse_sub_devices(const Message& message, const alink::Request& request, const json::Value& list);

  // broadcast.cc
  struct Broadcast;
  void broadcast_slice(const std::shared_ptr<Broadcast>& broadcast);

  // raw.cc
  Taken on_raw_up(const Message& message);
  Taken on_raw_down_reply(const Message& message);
  struct HeldRaw;
  void translate(const Message& message, void (Shard::*then)(const HeldRaw&, const script::Outcome&));
  void on_raw_parsed(const HeldRaw& held, const script::Outcome& outcome);
  void on_raw_answer_parsed(const HeldRaw& held, const script::Outcome& outcome);
  void refuse_raw(const HeldRaw& held, DeviceState& device, alink::Code code, auth::Cause cause,
                  std::string_view detail);
  void note_script(DeviceState& device, const script::Outcome& outcome, script::Function function);
  void send_raw_reply(std::uint64_t device, broker::SessionRef session, std::string_view envelope, std::uint8_t qos);
  bool is_translated(const DeviceState& device) const { return device.product->pass_through; }
  std::optional<SetTicket> check_translatable(const DeviceState& device) const;
  void send_translated(const DeviceState& device, std::uint32_t id, std::string_view envelope);
  void on_command_translated(std::uint64_t device, std::uint32_t id, const script::Outcome& outcome);

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

  // gateways.cc
  struct LoginBatch;
  Taken on_topology(const Message& message);
  Taken on_sub_login(const Message& message);
  Taken on_sub_logout(const Message& message);
  void ask_homes(const std::shared_ptr<LoginBatch>& batch);
  void on_home_answer(const std::shared_ptr<LoginBatch>& batch, std::size_t i, const SubLoginAnswer& answer);
  void answer_logins(const LoginBatch& batch, alink::Code code,
                     std::vector<std::pair<std::string, std::string>> devices);
  void send_session_error(broker::SessionRef session, const DeviceState& gateway, std::string_view name,
                          alink::Code code);

  // sub_devices.cc
  SubLoginAnswer examine(const SubLogin& login) const;
  void send_notice(const registry::Device& device, std::string_view what);

  // outgoing.cc
  bool wants(ProductBinding& product, Source source) const;
  void emit(const Outgoing& message);
  void emit(Source source, const DeviceState& device, std::string_view topic, std::string_view payload);
  void emit_properties(const DeviceState& device, std::span<const Accepted> values, Kept kept);
  void emit_unchecked(const Message& message, const json::Value& params);
  void emit_event(const DeviceState& device, const Event& event, std::int64_t time, Kept kept);
  void emit_status(const DeviceState& device, std::int64_t last_seen);
  void emit_reply(std::uint64_t device, std::uint32_t id, std::string_view topic, const SetResult& result);
  void begin_payload(const DeviceState& device);
  void begin_topic(const DeviceState& device);
  void note_failed(const json::Text& identifier, const alink::TimedValue& posted, const Checked& why);

  // files.cc
  /// What a refusal repeats of its request.
  struct UploadEcho {
    std::string_view id = {}, file_name = {}, upload = {};
    std::uint64_t offset = 0, bytes = 0;
  };
  Taken on_file_upload(const Message& message);
  Taken on_upload_init(const Message& message);
  Taken on_upload_block(const Message& message);
  Taken on_upload_cancel(const Message& message);
  Taken refuse_upload(const Message& message, const UploadEcho& echo, alink::Code code, auth::Cause cause,
                      std::string_view evidence);
  static FileMessage file_message(FileMessage::Kind kind, const Message& message, std::string_view id);
  Taken hand_over(const Message& message, const UploadEcho& echo, FileMessage said);

  // tags.cc
  Taken on_tags(const Message& message);

  // jobs.cc
  Taken on_job(const Message& message);
  JobMessage job_message(JobMessage::Kind kind, const DeviceState& device) const;

  // services.cc
  Taken on_tsl_get(const Message& message);
  Taken on_ntp(const Message& message);
  Taken decline(const Message& message);
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
  /// How many entries this device has left of the minute; none when it was told the same just before.
  std::uint32_t notes_left(DeviceState& device, std::uint32_t about);
  void record(DeviceState& device, const broker::Inbound* in, auth::Cause cause, std::int32_t code,
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
  std::uint64_t groups_refused_ = 0;
  const registry::FileLinks* files_;
  std::function<void(const registry::ConfigurationAnswer&)> configured_;
  std::function<void(UpgradeMessage)> upgrades_;
  Outlet* outlet_;
  std::function<bool(GatewayMessage)> gateways_;
  Neighbours* neighbours_;
  registry::LoginEvents* logins_;
  std::unordered_map<std::uint64_t, broker::Rate> login_rates_;  ///< of gateways that are online
  std::uint64_t next_ride_ = 0;
  script::Scripts* scripts_;
  std::function<bool(TagMessage)> tags_;
  std::function<void(JobMessage)> jobs_;
  std::function<bool(FileMessage)> uploads_;
  std::unordered_map<std::uint64_t, broker::Rate> upload_rates_;  ///< of devices that are online
  bool in_raw_ = false;  ///< the message in hand came as bytes, and so shall what answers it
  /// Commands that the script is at work on, and who wants to know how that ended.
  std::unordered_map<std::uint32_t, std::function<void(SetTicket)>> translating_;
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
  std::vector<DroppedField> dropped_fields_;         ///< the first few, for the journal
  bool is_told_ = false;                             ///< an application wants what this message says
  std::string failed_;  ///< `"identifier":{...},...`: values that failed their check, for applications
  std::string out_, out_topic_;
  std::uint32_t written_ = 0;  ///< records put by this message
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
