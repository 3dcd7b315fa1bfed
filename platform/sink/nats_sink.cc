#include <nats/nats.h>

#include <atomic>

#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct NatsSettings {
  std::string url, user, password, token, ca_file, stream;
  std::vector<std::string> stream_subjects;
  Template subject;
  std::optional<Template> body;
};

/// Subjects of a NATS server's JetStream. Every record is confirmed by the stream, and has the message's number as
/// Nats-Msg-Id: what is sent again within the stream's window is not kept twice.
class NatsSink final : public rule::Sink {
 public:
  NatsSink(NatsSettings settings, std::string rule_name, std::uint64_t action)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)), action_(action) {}
  ~NatsSink() override { close(); }
  void interrupt() override { is_interrupted_.store(true); }
  std::size_t max_batch() const override { return 1'000; }

  Sent send(std::span<const rule::Queued> records, UnixMillis) override {
    if (is_interrupted_.load()) return {0, Sent::Stop::retry, "the platform is stopping", {}};
    if (connection_ == nullptr)
      if (const std::string problem = open(); !problem.empty()) {
        close();
        return {0, Sent::Stop::retry, problem, {}};
      }
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Message message(records[i], rule_name_);
      const std::string subject = settings_.subject.text(message);
      if (!is_subject(subject)) {
        if (const std::string problem = wait(); !problem.empty()) return later(problem);
        return {i, Sent::Stop::reject, "no subject comes of the message: " + subject.substr(0, 100), {}};
      }
      const std::string body = settings_.body ? settings_.body->json_text(message) : std::string(records[i].result);
      if (body.size() > static_cast<std::size_t>(natsConnection_GetMaxPayload(connection_))) {
        if (const std::string problem = wait(); !problem.empty()) return later(problem);
        return {i, Sent::Stop::reject, "the message is larger than the server takes", {}};
      }
      jsPubOptions options;
      jsPubOptions_Init(&options);
      const std::string id = std::to_string(action_) + "-" + std::string(records[i].message_id);
      options.MsgId = id.c_str();
      const natsStatus status =
          js_PublishAsync(stream_, subject.c_str(), body.data(), static_cast<int>(body.size()), &options);
      if (status != NATS_OK) return later(natsStatus_GetText(status));
    }
    if (const std::string problem = wait(); !problem.empty()) return later(problem);
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  static bool is_subject(std::string_view subject) {
    return !subject.empty() && subject.find_first_of(" \t\r\n*>") == std::string_view::npos && subject.front() != '.' &&
           subject.back() != '.' && subject.find("..") == std::string_view::npos;
  }

  Sent later(const std::string& problem) {
    close();
    return {0, Sent::Stop::retry, problem, {}};
  }

  /// Until the stream has confirmed what was sent. "": it has.
  std::string wait() {
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = 10'000;
    const natsStatus status = js_PublishAsyncComplete(stream_, &options);
    const std::string refused =
        has_refused_.exchange(false) ? "the stream did not take a message: is there a stream for the subject?" : "";
    return status == NATS_OK ? refused : std::string(natsStatus_GetText(status));
  }

  std::string open() {
    natsOptions* options = nullptr;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = natsOptions_SetURL(options, settings_.url.c_str());
    if (status == NATS_OK) status = natsOptions_SetTimeout(options, 5'000);
    if (status == NATS_OK) status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK && !settings_.user.empty())
      status = natsOptions_SetUserInfo(options, settings_.user.c_str(), settings_.password.c_str());
    if (status == NATS_OK && !settings_.token.empty()) status = natsOptions_SetToken(options, settings_.token.c_str());
    if (status == NATS_OK && !settings_.ca_file.empty()) {
      status = natsOptions_SetSecure(options, true);
      if (status == NATS_OK) status = natsOptions_LoadCATrustedCertificates(options, settings_.ca_file.c_str());
    }
    if (status == NATS_OK) status = natsConnection_Connect(&connection_, options);
    natsOptions_Destroy(options);
    if (status != NATS_OK) return settings_.url + ": " + natsStatus_GetText(status);
    jsOptions streaming;
    jsOptions_Init(&streaming);
    streaming.Wait = 5'000;
    streaming.PublishAsync.ErrHandler = [](jsCtx*, jsPubAckErr*, void* self) {
      static_cast<NatsSink*>(self)->has_refused_.store(true);
    };
    streaming.PublishAsync.ErrHandlerClosure = this;
    status = natsConnection_JetStream(&stream_, connection_, &streaming);
    if (status != NATS_OK) return natsStatus_GetText(status);
    return settings_.stream.empty() ? std::string{} : make_stream();
  }

  std::string make_stream() {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    std::vector<const char*> subjects;
    for (const std::string& one : settings_.stream_subjects) subjects.push_back(one.c_str());
    config.Name = settings_.stream.c_str();
    config.Subjects = subjects.data();
    config.SubjectsLen = static_cast<int>(subjects.size());
    jsErrCode code{};
    jsStreamInfo* info = nullptr;
    const natsStatus status = js_AddStream(&info, stream_, &config, nullptr, &code);
    jsStreamInfo_Destroy(info);
    if (status == NATS_OK || code == JSStreamNameExistErr) return {};
    return "the stream " + settings_.stream + ": " + natsStatus_GetText(status);
  }

  void close() {
    jsCtx_Destroy(stream_);
    natsConnection_Destroy(connection_);
    stream_ = nullptr;
    connection_ = nullptr;
  }

  NatsSettings settings_;
  std::string rule_name_;
  std::uint64_t action_;
  natsConnection* connection_ = nullptr;
  jsCtx* stream_ = nullptr;
  std::atomic<bool> is_interrupted_{false}, has_refused_{false};
};

}  // namespace

std::unique_ptr<rule::Sink> make_nats(const Making& making, Settings& settings) {
  NatsSettings made;
  made.url = settings.text("url");
  if (!made.url.empty() && !made.url.starts_with("nats://") && !made.url.starts_with("tls://"))
    settings.refuse("url", "begins with nats:// or tls://");
  made.user = settings.text_or("user", "");
  made.password = settings.text_or("password", "");
  made.token = settings.text_or("token", "");
  made.ca_file = settings.text_or("ca_file", "");
  const auto parse = [&settings](std::string_view name, std::string_view text) {
    std::string problem;
    auto read = Template::parse(text, problem);
    if (!read) settings.refuse(name, problem);
    return read.value_or(Template{});
  };
  made.subject = parse("subject", settings.text("subject"));
  if (settings.has("body")) made.body = parse("body", settings.text("body"));
  made.stream = settings.text_or("stream", "");
  made.stream_subjects = settings.list("stream_subjects");
  if (!made.stream.empty() && made.stream_subjects.empty())
    settings.refuse("stream_subjects", "say what the stream that is made keeps: [\"iot.>\"]");
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<NatsSink>(std::move(made), making.rule_name, making.action);
}

}  // namespace tercet::sink
