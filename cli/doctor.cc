#include "cli/doctor.h"

#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "cli/secure_socket.h"
#include "tercet/auth/mistake.h"
#include "tercet/auth/sign.h"
#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/encode.h"

namespace tercet::cli {
namespace {

using std::chrono::milliseconds;
using Failure = SecureSocket::Failure;

struct Words {
  const char *en, *zh;
};

const Words& remedy_of(Failure failure) {
  static constexpr Words kNone{"", ""};
  static constexpr Words kHost{
      "check the spelling of the host; the cloud's is ProductKey.iot-as-mqtt.REGION.aliyuncs.com or "
      "INSTANCE.mqtt.iothub.aliyuncs.com, this platform's is its name or address",
      "检查主机名拼写；云端为 ProductKey.iot-as-mqtt.区域.aliyuncs.com 或 "
      "实例ID.mqtt.iothub.aliyuncs.com，本平台为其主机名或地址"};
  static constexpr Words kResolver{"no DNS server answers: check the network and /etc/resolv.conf",
                                   "DNS 服务器没有应答：检查网络和 /etc/resolv.conf"};
  static constexpr Words kRefused{
      "nothing listens on that port: is the platform running, and is the port 8883 (TLS) or 1883?",
      "该端口没有程序监听：平台是否已启动？端口应为 8883 (TLS) 或 1883"};
  static constexpr Words kUnreachable{"no way to that address: check the network, the gateway and the firewall",
                                      "无法到达该地址：检查网络、网关和防火墙"};
  static constexpr Words kTimedOut{"no answer in time: a firewall drops the packets, or the host is down",
                                   "超时无应答：防火墙丢弃了数据包，或主机不在线"};
  static constexpr Words kReset{
      "the other end closed at once: a wrong port, or TLS sent to a plain port (or the reverse)",
      "对端立即关闭：端口不对，或把 TLS 发到了明文端口（或相反）"};
  static constexpr Words kCa{"name a PEM file with --ca; `tercet serve` prints where its CA is",
                             "用 --ca 指定 PEM 文件；`tercet serve` 启动时会打印 CA 的位置"};
  static constexpr Words kNotTls{"that port speaks plain text: use port 8883, or --plain",
                                 "该端口不是 TLS：请用 8883 端口，或加 --plain"};
  static constexpr Words kNoCommon{
      "no TLS version or cipher in common: TLS 1.2 or newer is needed, old boards use port 1883",
      "没有共同的 TLS 版本或加密套件：需要 TLS 1.2 以上，旧设备请用 1883 端口"};
  static constexpr Words kUntrusted{
      "give the right root with --ca: this platform's ca.pem, or for the cloud GlobalSign R1/R6 or Aliyun "
      "IoT Root CA (the tutorial's DST Root CA X3 never signed it)",
      "用 --ca 指定正确的根证书：本平台的 ca.pem；云端为 GlobalSign R1/R6 或 Aliyun IoT Root CA（教程里的 DST Root CA "
      "X3 与云端无关）"};
  static constexpr Words kExpired{"the server's certificate has expired: renew it, and check this machine's clock",
                                  "服务器证书已过期：请更新证书，并检查本机时钟"};
  static constexpr Words kNotYet{"the certificate is not valid yet: this machine's clock is behind, set it by NTP",
                                 "证书尚未生效：本机时钟偏慢，请用 NTP 校时"};
  static constexpr Words kWrongHost{
      "the certificate is for another name: connect by a name or address that is in it, or restart the "
      "platform with names = [\"…\"] in its configuration",
      "证书不是给这个主机名的：请用证书中的名称连接，或在平台配置 names = [\"…\"] 后重启"};
  static constexpr Words kTls{"the TLS handshake broke: compare versions and ciphers of both ends",
                              "TLS 握手失败：比较两端的版本和加密套件"};
  switch (failure) {
    case Failure::none:
      return kNone;
    case Failure::host_unknown:
      return kHost;
    case Failure::resolver_failed:
      return kResolver;
    case Failure::refused:
      return kRefused;
    case Failure::unreachable:
      return kUnreachable;
    case Failure::timed_out:
      return kTimedOut;
    case Failure::reset:
      return kReset;
    case Failure::ca_unreadable:
      return kCa;
    case Failure::not_tls:
      return kNotTls;
    case Failure::no_common:
      return kNoCommon;
    case Failure::untrusted:
      return kUntrusted;
    case Failure::expired:
      return kExpired;
    case Failure::not_yet_valid:
      return kNotYet;
    case Failure::wrong_host:
      return kWrongHost;
    case Failure::tls_other:
      return kTls;
  }
  return kNone;
}

const Words& meaning_of(mqtt::ReasonCode reason) {
  static constexpr Words kVersion{"1: the protocol version is not supported; use MQTT 3.1.1 or 5.0",
                                  "1：协议版本不支持，请用 MQTT 3.1.1 或 5.0"};
  static constexpr Words kClientId{"2: the client id is malformed, or the keep-alive is outside 30 to 1200 s",
                                   "2：clientId 格式错误，或 keepalive 不在 30–1200 秒内"};
  static constexpr Words kUnavailable{"3: the server is unavailable; try again later", "3：服务不可用，请稍后再试"};
  static constexpr Words kPassword{
      "4: user name or password is wrong: the signature does not fit the device, or there is no such device",
      "4：用户名或密码错误：签名与设备不符，或设备不存在"};
  static constexpr Words kForbidden{"5: not authorised: the device is disabled, or may not connect this way",
                                    "5：未授权：设备被禁用，或不允许这样连接"};
  static constexpr Words kOther{"refused", "被拒绝"};
  switch (reason) {
    case mqtt::ReasonCode::unsupported_protocol_version:
      return kVersion;
    case mqtt::ReasonCode::client_identifier_not_valid:
      return kClientId;
    case mqtt::ReasonCode::server_unavailable:
      return kUnavailable;
    case mqtt::ReasonCode::bad_user_name_or_password:
      return kPassword;
    case mqtt::ReasonCode::not_authorized:
      return kForbidden;
    default:
      return kOther;
  }
}

bool is_success(const std::string& reply) {
  boost::system::error_code bad;
  const auto value = boost::json::parse(reply, bad);
  const auto* object = bad ? nullptr : value.if_object();
  const auto* code = object == nullptr ? nullptr : object->if_contains("code");
  return code != nullptr && code->is_int64() && code->as_int64() == 200;
}

/// One walk up the ladder.
class Walk {
 public:
  explicit Walk(const DoctorOptions& options) : options_(options), limit_(options.timeout_seconds * 1000) {}

  int run() {
    if (!gather_login()) return static_cast<int>(Rung::input);
    if (!check_clock()) return static_cast<int>(Rung::clock);
    if (!climb("DNS", Rung::dns, [this] { return link_.resolve(options_.host, options_.port, limit_); })) return broke_;
    if (!climb("TCP", Rung::tcp, [this] { return link_.connect(limit_); })) return broke_;
    if (!options_.plain) {
      if (!climb("TLS", Rung::tls, [this] { return link_.start_tls(options_.host, options_.ca_file, limit_); }))
        return broke_;
      note(link_.tls_description());
      note(link_.certificate_description());
    }
    if (!log_in() || !subscribe() || !post()) return broke_;
    std::printf("%s\n", say({"everything stands: this device can work", "全部正常：该设备可以工作"}));
    return 0;
  }

 private:
  const char* say(const Words& words) const { return options_.language == "zh" ? words.zh : words.en; }
  void note(const std::string& text) const { std::printf("       %s\n", text.c_str()); }
  void pass(const char* rung, long long took) const { std::printf("  ok   %-8s %lld ms\n", rung, took); }

  bool fail_at(Rung rung, const char* name, const std::string& detail, const std::string& remedy) {
    std::printf("  FAIL %-8s %s\n", name, detail.c_str());
    if (!remedy.empty()) std::printf("       %s %s\n", say({"remedy:", "处理："}), remedy.c_str());
    broke_ = static_cast<int>(rung);
    return false;
  }

  template <typename Step>
  bool climb(const char* name, Rung rung, Step&& step) {
    const auto start = std::chrono::steady_clock::now();
    const SecureSocket::Step done = step();
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count();
    if (!done.ok()) return fail_at(rung, name, done.detail, say(remedy_of(done.failure)));
    pass(name, took);
    return true;
  }

  bool gather_login() {
    const bool pasted = !options_.client_id.empty() || !options_.user_name.empty() || !options_.password.empty();
    const bool triple = !options_.device_secret.empty();
    if (options_.host.empty() || (!pasted && !triple)) {
      std::fprintf(stderr, "tercet doctor: %s\n",
                   say({"give --host, and a triple (--triple FILE) or --client-id, --user-name and --password",
                        "请给出 --host，以及三元组（--triple 文件）或 --client-id、--user-name、--password"}));
      return false;
    }
    if (pasted) {
      client_id_ = options_.client_id, user_name_ = options_.user_name, password_ = options_.password;
    } else {
      const auto product = ProductKey::parse(options_.product_key);
      const auto device = DeviceName::parse(options_.device_name);
      const auto secret = DeviceSecret::parse(options_.device_secret);
      if (!product || !device || !secret) {
        std::fprintf(stderr, "tercet doctor: %s\n",
                     say({"the triple is malformed: ProductKey is letters and digits, DeviceName 1 to 32 of letters, "
                          "digits, -_@.:",
                          "三元组格式错误：ProductKey 只含字母数字，DeviceName 为 1–32 个字母、数字或 -_@.:"}));
        return false;
      }
      auth::LoginOptions login;
      login.secure_mode = options_.plain ? auth::SecureMode::tcp : auth::SecureMode::tls;
      const auto made = auth::make_credentials(Triple{{*product, *device}, *secret}, login);
      if (!made) return false;
      client_id_ = made->client_id.str(), user_name_ = made->user_name.str(), password_ = made->password.str();
    }
    const auto user = auth::parse_user_name(user_name_);
    device_ = options_.device_name, product_ = options_.product_key;
    if (user && device_.empty()) device_ = user->device;
    if (user && product_.empty()) product_ = user->product;
    return true;
  }

  bool check_clock() {
    constexpr std::time_t kFloor = 1'767'225'600;  // 2026-01-01: this program is younger than that
    if (std::time(nullptr) >= kFloor) return true;
    return fail_at(Rung::clock, "clock", say({"this machine's clock is before 2026", "本机时钟早于 2026 年"}),
                   say({"set it by NTP first: certificates and timestamps depend on it",
                        "请先用 NTP 校时：证书和时间戳都依赖它"}));
  }

  /// The next packet of a kind; others are passed over.
  SecureSocket::Step next_packet(mqtt::PacketType wanted, mqtt::Frame& frame) {
    const auto until = std::chrono::steady_clock::now() + limit_;  // for the rung, whatever else arrives meanwhile
    for (;;) {
      received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(used_));
      used_ = 0;
      const auto one = mqtt::next_frame(received_, 262'144);
      if (!one && one.error() != Error::need_more) return {Failure::tls_other, "what came is not MQTT"};
      if (one) {
        used_ = one->size;
        frame = *one;
        if (one->header.type() == wanted) return {};
        continue;
      }
      const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
      if (const auto got = link_.read(received_, left); !got.ok()) return got;
    }
  }

  void examine() const {
    const auth::Transport transport = options_.plain ? auth::Transport::tcp : auth::Transport::tls;
    const UnixMillis now{static_cast<std::int64_t>(std::time(nullptr)) * 1000};
    auth::Known known;
    known.product = options_.product_key;
    known.device = options_.device_name;
    known.device_secret = options_.device_secret;
    const auto mistakes = auth::find_mistakes({client_id_, user_name_, password_}, known, transport, now);
    if (mistakes.empty() && options_.device_secret.empty())
      note(say({"with the device's triple (--triple FILE) beside the pasted strings, the mistake in them can be named",
                "若同时给出设备三元组（--triple 文件），可以指出粘贴的字符串错在哪里"}));
    for (const auto& mistake : mistakes) {
      const auto& text = auth::text(mistake.cause);
      const bool zh = options_.language == "zh";
      note(std::string(text.code) + ": " + std::string(zh ? text.cause_zh : text.cause_en));
      note("  " + mistake.evidence);
      note(std::string(say({"  remedy: ", "  处理："})) + std::string(zh ? text.remedy_zh : text.remedy_en));
    }
  }

  bool log_in() {
    mqtt::Connect connect;
    connect.keep_alive = Seconds{60};
    connect.clean_start = false;  // what waits for the board must wait on
    connect.client_id = client_id_;
    connect.user_name = user_name_;
    connect.password = as_bytes(password_);
    const auto start = std::chrono::steady_clock::now();
    const auto bytes = mqtt::encode(connect, buffer_);
    if (!bytes) return fail_at(Rung::connect, "CONNECT", say({"the login strings are too long", "登录字符串过长"}), "");
    auto step = link_.write(Bytes(buffer_).first(*bytes), limit_);
    mqtt::Frame frame;
    if (step.ok()) step = next_packet(mqtt::PacketType::connack, frame);
    if (!step.ok()) return fail_at(Rung::connect, "CONNECT", step.detail, say(remedy_of(step.failure)));
    const auto answer = mqtt::decode_connack(mqtt::ProtocolVersion::v311, frame);
    if (!answer || mqtt::is_failure(answer->reason)) {
      fail_at(Rung::connect, "CONNECT", answer ? say(meaning_of(answer->reason)) : "CONNACK malformed",
              say({"look below, and at `tercet log refusals PRODUCTKEY DEVICENAME` on the platform",
                   "见下文，或在平台上执行 `tercet log refusals PRODUCTKEY DEVICENAME`"}));
      examine();
      return false;
    }
    pass("CONNECT", std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count());
    return true;
  }

  bool subscribe() {
    reply_topic_ = "/sys/" + product_ + "/" + device_ + "/thing/event/property/post_reply";
    const std::array<mqtt::Subscription, 1> wanted{{{reply_topic_, mqtt::Qos::at_most_once, false, false, {}}}};
    return climb("SUBACK", Rung::suback, [&]() -> SecureSocket::Step {
      const auto bytes = mqtt::encode_subscribe(1, wanted, {}, mqtt::ProtocolVersion::v311, buffer_);
      if (!bytes) return {Failure::tls_other, "topic too long"};
      auto step = link_.write(Bytes(buffer_).first(*bytes), limit_);
      mqtt::Frame frame;
      if (step.ok()) step = next_packet(mqtt::PacketType::suback, frame);
      if (!step.ok()) return step;
      const auto answer = mqtt::decode_suback(mqtt::ProtocolVersion::v311, frame);
      if (!answer || answer->codes.empty() || answer->codes[0] >= 0x80)
        return {Failure::tls_other, "refused: " + reply_topic_};
      return {};
    });
  }

  bool post() {
    const std::string topic = "/sys/" + product_ + "/" + device_ + "/thing/event/property/post";
    constexpr std::string_view kPayload =
        R"({"id":"1","version":"1.0","params":{},"method":"thing.event.property.post"})";
    std::string text;
    const bool stands = climb("reply", Rung::reply, [&]() -> SecureSocket::Step {
      mqtt::Publish publish;
      publish.topic = topic;
      publish.payload = as_bytes(kPayload);
      const auto bytes = mqtt::encode(publish, mqtt::ProtocolVersion::v311, buffer_);
      if (!bytes) return {Failure::tls_other, "topic too long"};
      auto step = link_.write(Bytes(buffer_).first(*bytes), limit_);
      mqtt::Frame frame;
      while (step.ok()) {  // a set may come before the reply
        step = next_packet(mqtt::PacketType::publish, frame);
        if (!step.ok()) break;
        const auto answer = mqtt::decode_publish(mqtt::ProtocolVersion::v311, frame, mqtt::Sender::server);
        if (!answer) return {Failure::tls_other, "malformed PUBLISH"};
        if (answer->topic != reply_topic_) continue;
        text = as_text(answer->payload);
        return is_success(text) ? SecureSocket::Step{} : SecureSocket::Step{Failure::tls_other, "the reply is " + text};
      }
      return step;
    });
    if (stands) note(text);
    return stands;
  }

  const DoctorOptions& options_;
  milliseconds limit_;
  SecureSocket link_;
  std::array<std::uint8_t, 4096> buffer_{};
  std::vector<std::uint8_t> received_;
  std::size_t used_ = 0;
  std::string client_id_, user_name_, password_, product_, device_, reply_topic_;
  int broke_ = 0;
};

}  // namespace

int run_doctor(const DoctorOptions& options) { return Walk(options).run(); }

}  // namespace tercet::cli
