#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "platform/sink/http_client.h"
#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

namespace bj = boost::json;
using rule::Sent;

/// One message to the robot of a group costs one of the few that it may send in a minute, so what has gathered since
/// the last one goes as one. What three kinds of robots have in common.
class RobotSink : public rule::Sink {
 public:
  struct Common {
    HttpClient::Options client;
    std::string url, secret;
    Template text;
    bool is_markdown = false;
    Millis between{3'000};  ///< messages: 20 a minute
    std::size_t most_bytes = 0;
    std::string rule_name;
  };
  explicit RobotSink(Common common) : common_(std::move(common)), client_(common_.client) {}
  void interrupt() final { client_.interrupt(); }
  std::size_t max_batch() const final { return 200; }

  Sent send(std::span<const rule::Queued> records, UnixMillis now) final {
    std::string text;
    std::size_t count = 0;
    for (const rule::Queued& record : records) {
      std::string line = common_.text.text(Message(record, common_.rule_name));
      if (line.size() > common_.most_bytes) line.resize(whole_characters(line, common_.most_bytes));
      if (count != 0 && text.size() + line.size() + 1 > common_.most_bytes) break;
      text.append(count == 0 ? "" : "\n").append(line);
      ++count;
    }
    HttpRequest request;
    request.headers.push_back("Content-Type: application/json; charset=utf-8");
    fill(request, text, now);
    const HttpAnswer answer = client_.perform(request);
    Sent sent = judge(answer, count);
    if (sent.stop != Sent::Stop::none) return sent;
    sent = read_answer(answer.body, count);
    if (sent.stop != Sent::Stop::none) return sent;
    // `taken` below the whole of a batch and nothing wrong: the rest has its turn in a while.
    return {count, count == records.size() ? Sent::Stop::none : Sent::Stop::pause, {}, common_.between};
  }

 protected:
  const Common& common() const { return common_; }
  virtual void fill(HttpRequest& request, const std::string& text, UnixMillis now) = 0;
  /// What the robot says in a 200: its own code.
  virtual Sent read_answer(std::string_view body, std::size_t count) = 0;

  /// `busy`: codes that mean "too many".
  static Sent by_code(std::string_view body, std::size_t count, const char* code_name, const char* text_name,
                      std::initializer_list<std::int64_t> busy) {
    boost::system::error_code bad;
    const bj::value parsed = bj::parse(bj::string_view(body.data(), body.size()), bad);
    const bj::value* code = bad || !parsed.is_object() ? nullptr : parsed.get_object().if_contains(code_name);
    if (code == nullptr || !code->is_int64())
      return {0, Sent::Stop::retry, "the answer is none of this robot's: " + std::string(body.substr(0, 100)), {}};
    if (code->get_int64() == 0) return {count, Sent::Stop::none, {}, {}};
    const bj::value* text = parsed.get_object().if_contains(text_name);
    std::string cause = std::string(code_name) + " " + std::to_string(code->get_int64());
    if (text != nullptr && text->is_string()) cause.append(": ").append(text->get_string().c_str());
    for (const std::int64_t one : busy)
      if (code->get_int64() == one) return {0, Sent::Stop::retry, std::move(cause), Millis{60'000}};
    return {0, Sent::Stop::reject, std::move(cause), {}};
  }

 private:
  static std::size_t whole_characters(std::string_view text, std::size_t most) {
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
    return most;
  }
  Common common_;
  HttpClient client_;
};

/// WeCom (qyapi): 20 messages a minute, 2048 bytes of text, 4096 of Markdown.
class WecomSink final : public RobotSink {
 public:
  WecomSink(Common common, std::vector<std::string> mentions)
      : RobotSink(std::move(common)), mentions_(std::move(mentions)) {}

 private:
  void fill(HttpRequest& request, const std::string& text, UnixMillis) override {
    request.url = common().url;
    bj::object part{{"content", text}};
    if (!common().is_markdown && !mentions_.empty()) {
      bj::array list;
      for (const std::string& one : mentions_) list.emplace_back(bj::string_view(one.data(), one.size()));
      part["mentioned_list"] = std::move(list);
    }
    const char* kind = common().is_markdown ? "markdown" : "text";
    request.body = bj::serialize(bj::object{{"msgtype", kind}, {kind, std::move(part)}});
  }
  Sent read_answer(std::string_view body, std::size_t count) override {
    return by_code(body, count, "errcode", "errmsg", {45009, -1});
  }
  std::vector<std::string> mentions_;
};

/// DingTalk: timestamp and sign in the URL: Base64 of HMAC-SHA256(secret, "{timestamp}\n{secret}"); 20 a minute.
class DingtalkSink final : public RobotSink {
 public:
  using RobotSink::RobotSink;

 private:
  void fill(HttpRequest& request, const std::string& text, UnixMillis now) override {
    request.url = common().url;
    if (!common().secret.empty()) {
      const std::string time = std::to_string(now.ms);
      request.url += request.url.find('?') == std::string::npos ? "?" : "&";
      request.url += "timestamp=" + time +
                     "&sign=" + percent_encoded(hmac_sha256_base64(common().secret, time + "\n" + common().secret));
    }
    if (common().is_markdown)
      request.body = bj::serialize(
          bj::object{{"msgtype", "markdown"}, {"markdown", bj::object{{"title", common().rule_name}, {"text", text}}}});
    else
      request.body = bj::serialize(bj::object{{"msgtype", "text"}, {"text", bj::object{{"content", text}}}});
  }
  Sent read_answer(std::string_view body, std::size_t count) override {
    return by_code(body, count, "errcode", "errmsg", {130101, 660026, -1});
  }
};

/// Feishu: timestamp (seconds) and sign in the body: Base64 of HMAC-SHA256("{timestamp}\n{secret}", ""); 100 a minute,
/// 5 a second.
class FeishuSink final : public RobotSink {
 public:
  using RobotSink::RobotSink;

 private:
  void fill(HttpRequest& request, const std::string& text, UnixMillis now) override {
    request.url = common().url;
    bj::object body{{"msg_type", "text"}, {"content", bj::object{{"text", text}}}};
    if (!common().secret.empty()) {
      const std::string time = std::to_string(now.ms / 1000);
      body["timestamp"] = time;
      body["sign"] = hmac_sha256_base64(time + "\n" + common().secret, "");
    }
    request.body = bj::serialize(body);
  }
  Sent read_answer(std::string_view body, std::size_t count) override {
    return by_code(body, count, "code", "msg", {9499, 11232});
  }
};

/// The texts of alarms and readings that a configuration without one has.
std::string_view default_text(bool is_chinese) {
  return is_chinese ? "【${rule}】${deviceName} ${state}：${result}（${time}）"
                    : "[${rule}] ${deviceName} ${state}: ${result} (${time})";
}

RobotSink::Common read_common(const Making& making, Settings& settings, std::size_t text_bytes,
                              std::size_t markdown_bytes, Millis between) {
  RobotSink::Common made;
  made.url = settings.text("url");
  check_url(settings, "url", made.url);
  made.rule_name = making.rule_name;
  const bool is_chinese = settings.choice("language", {"zh", "en"}, "zh") == "zh";
  std::string problem;
  auto text = Template::parse(settings.text_or("text", default_text(is_chinese)), problem);
  if (!text) settings.refuse("text", problem);
  made.text = text.value_or(Template{});
  made.is_markdown = markdown_bytes != 0 && settings.choice("format", {"text", "markdown"}, "text") == "markdown";
  made.most_bytes = made.is_markdown ? markdown_bytes : text_bytes;
  made.between = Millis{60'000 / settings.number_or("per_minute", 60'000 / between.count(), 1, 6'000)};
  made.client = HttpClient::Options::read(settings);
  return made;
}

/// A template message of a WeChat official account: a token of two hours first, then one message per reader. A token
/// that has ended before its time is asked for anew, once.
class WechatSink final : public rule::Sink {
 public:
  struct Given {
    HttpClient::Options client;
    std::string base, app_id, app_secret, template_id, rule_name;
    std::vector<std::string> readers;  ///< openid
    Template link;
    std::vector<std::pair<std::string, Template>> data;
  };
  explicit WechatSink(Given given) : given_(std::move(given)), client_(given_.client) {}
  void interrupt() override { client_.interrupt(); }
  std::size_t max_batch() const override { return 20; }

  Sent send(std::span<const rule::Queued> records, UnixMillis now) override {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Message message(records[i], given_.rule_name);
      // Who has been told of a message that is sent again is not told twice while this sink lives.
      if (told_of_ != records[i].message_id) told_ = 0, told_of_ = records[i].message_id;
      while (told_ < given_.readers.size()) {
        Sent one = tell(message, given_.readers[told_], now, true);
        if (one.stop != Sent::Stop::none) {
          one.taken = i;
          return one;
        }
        ++told_;
      }
    }
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  Sent tell(const Message& message, const std::string& reader, UnixMillis now, bool may_refresh) {
    if (now.ms >= token_until_) {
      HttpRequest ask;
      ask.method = "GET";
      ask.url = given_.base + "/cgi-bin/token?grant_type=client_credential&appid=" + percent_encoded(given_.app_id) +
                "&secret=" + percent_encoded(given_.app_secret);
      const HttpAnswer answer = client_.perform(ask);
      if (Sent got = judge(answer, 0); got.stop != Sent::Stop::none) {
        got.stop = Sent::Stop::retry;
        return got;
      }
      const bj::object parsed = object_of(answer.body);
      const bj::value* token = parsed.if_contains("access_token");
      const bj::value* seconds = parsed.if_contains("expires_in");
      if (token == nullptr || !token->is_string() || seconds == nullptr || !seconds->is_int64())
        return {0, Sent::Stop::retry, "no token: " + problem_of(parsed), {}};
      token_ = token->get_string();
      token_until_ = now.ms + std::max<std::int64_t>(seconds->get_int64() - 300, 30) * 1000;
    }
    bj::object data;
    for (const auto& [name, value] : given_.data) data[name] = bj::object{{"value", value.text(message)}};
    HttpRequest request;
    request.url = given_.base + "/cgi-bin/message/template/send?access_token=" + percent_encoded(token_);
    request.headers.push_back("Content-Type: application/json; charset=utf-8");
    bj::object body{{"touser", reader}, {"template_id", given_.template_id}, {"data", std::move(data)}};
    if (const std::string link = given_.link.text(message); !link.empty()) body["url"] = link;
    request.body = bj::serialize(body);
    const HttpAnswer answer = client_.perform(request);
    if (Sent got = judge(answer, 1); got.stop != Sent::Stop::none) return got;
    const bj::object parsed = object_of(answer.body);
    const bj::value* code = parsed.if_contains("errcode");
    if (code == nullptr || !code->is_int64()) return {0, Sent::Stop::retry, "the answer is none of WeChat's", {}};
    switch (code->get_int64()) {
      case 0:
        return {1, Sent::Stop::none, {}, {}};
      case 40001:  // the token is another one's, or over
      case 40014:
      case 42001:
        token_until_ = 0;
        if (may_refresh) return tell(message, reader, now, false);
        [[fallthrough]];
      case -1:  // busy
        return {0, Sent::Stop::retry, problem_of(parsed), {}};
      case 45009:  // as many as a day has
        return {0, Sent::Stop::retry, problem_of(parsed), Millis{600'000}};
      default:
        return {0, Sent::Stop::reject, problem_of(parsed), {}};
    }
  }

  static bj::object object_of(std::string_view text) {
    boost::system::error_code bad;
    const bj::value parsed = bj::parse(bj::string_view(text.data(), text.size()), bad);
    return !bad && parsed.is_object() ? parsed.get_object() : bj::object{};
  }
  static std::string problem_of(const bj::object& answer) {
    std::string text = "errcode ";
    if (const bj::value* code = answer.if_contains("errcode")) text += bj::serialize(*code);
    if (const bj::value* words = answer.if_contains("errmsg"); words != nullptr && words->is_string())
      text.append(": ").append(words->get_string().c_str());
    return text;
  }

  Given given_;
  HttpClient client_;
  std::string token_, told_of_;
  std::int64_t token_until_ = 0;
  std::size_t told_ = 0;
};

}  // namespace

std::unique_ptr<rule::Sink> make_wecom(const Making& making, Settings& settings) {
  auto common = read_common(making, settings, 2048, 4096, Millis{3'000});
  auto mentions = settings.list("mentioned");
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<WecomSink>(std::move(common), std::move(mentions));
}

std::unique_ptr<rule::Sink> make_dingtalk(const Making& making, Settings& settings) {
  auto common = read_common(making, settings, 18'000, 18'000, Millis{3'000});
  common.secret = settings.text_or("secret", "");
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<DingtalkSink>(std::move(common));
}

std::unique_ptr<rule::Sink> make_feishu(const Making& making, Settings& settings) {
  auto common = read_common(making, settings, 18'000, 0, Millis{600});
  common.secret = settings.text_or("secret", "");
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<FeishuSink>(std::move(common));
}

std::unique_ptr<rule::Sink> make_wechat(const Making& making, Settings& settings) {
  WechatSink::Given given;
  given.base = settings.text_or("url", "https://api.weixin.qq.com");
  check_url(settings, "url", given.base);
  while (!given.base.empty() && given.base.back() == '/') given.base.pop_back();
  given.app_id = settings.text("app_id");
  given.app_secret = settings.text("app_secret");
  given.template_id = settings.text("template_id");
  given.rule_name = making.rule_name;
  given.readers = settings.list("to");
  if (given.readers.empty()) settings.refuse("to", "is the openid of a reader, or a list of them");
  std::string problem;
  if (auto link = Template::parse(settings.text_or("link", ""), problem))
    given.link = std::move(*link);
  else
    settings.refuse("link", problem);
  if (const auto* data = settings.object("data")) {
    for (const auto& member : *data) {
      auto value =
          member.value().is_string() ? Template::parse(member.value().get_string().c_str(), problem) : std::nullopt;
      if (value)
        given.data.emplace_back(std::string(member.key()), std::move(*value));
      else
        settings.refuse("data", std::string(member.key()) + " is a text such as ${temperature}");
    }
  } else {
    settings.refuse("data",
                    "names the template's parts: {\"first\":\"${deviceName}\",\"keyword1\":\"${temperature}\"}");
  }
  given.client = HttpClient::Options::read(settings);
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<WechatSink>(std::move(given));
}

}  // namespace tercet::sink
