
#include "platform/sink/http_client.h"
#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

namespace bj = boost::json;
using rule::Sent;

struct InfluxSettings {
  HttpClient::Options client;
  std::string url, token;
  Template measurement;
  std::vector<std::pair<std::string, Template>> tags, fields;
  Template time;
};

void append_escaped(std::string& line, std::string_view text, std::string_view special) {
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (special.find(c) != std::string_view::npos) line += '\\';
    line += c;
  }
}

/// InfluxDB's line protocol over HTTP: /write of version 1, /api/v2/write of version 2.
class InfluxSink final : public rule::Sink {
 public:
  InfluxSink(InfluxSettings settings, std::string rule_name)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)), client_(settings_.client) {}
  void interrupt() override { client_.interrupt(); }
  std::size_t max_batch() const override { return 5'000; }

  Sent send(std::span<const rule::Queued> records, UnixMillis) override {
    Sent all = post(records);
    if (all.stop != Sent::Stop::reject || records.size() == 1) return all;
    // Some line is wrong: each by itself tells which.
    for (std::size_t i = 0; i < records.size(); ++i) {
      Sent one = post(records.subspan(i, 1));
      if (one.stop == Sent::Stop::none) continue;
      one.taken = i;
      return one;
    }
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  Sent post(std::span<const rule::Queued> records) {
    HttpRequest request;
    request.url = settings_.url;
    if (!settings_.token.empty()) request.headers.push_back("Authorization: Token " + settings_.token);
    request.headers.push_back("Content-Type: text/plain; charset=utf-8");
    for (const rule::Queued& record : records)
      if (!append_line(request.body, Message(record, rule_name_)) && records.size() == 1)
        return {0, Sent::Stop::reject, "no field of the line has a value", {}};
    if (request.body.empty()) return {0, Sent::Stop::reject, "no line has a value", {}};
    return judge(client_.perform(request), records.size());
  }

  bool append_line(std::string& body, const Message& message) const {
    std::string line;
    append_escaped(line, settings_.measurement.text(message), ", ");
    for (const auto& [name, value] : settings_.tags) {
      const std::string text = value.text(message);
      if (text.empty()) continue;
      line += ',';
      append_escaped(line, name, ",= ");
      line += '=';
      append_escaped(line, text, ",= \\");
    }
    bool has_one = false;
    const auto field = [&](std::string_view name, const bj::value& value) {
      if (value.is_null()) return;
      line += has_one ? ',' : ' ';
      has_one = true;
      append_escaped(line, name, ",= ");
      line += '=';
      if (value.is_number() || value.is_bool()) {
        // One type for a field for ever: whole numbers and others are both floats.
        line += json_text(value);
        return;
      }
      line += '"';
      append_escaped(line, value.is_string() ? std::string(value.get_string()) : json_text(value), "\"\\");
      line += '"';
    };
    for (const auto& [name, value] : settings_.fields) field(name, value.value(message));
    if (settings_.fields.empty()) {
      const auto result = message.at("result");
      if (result && result->is_object())
        for (const auto& member : result->get_object()) field(std::string(member.key()), member.value());
    }
    if (!has_one) return false;
    line.append(" ").append(settings_.time.text(message)).append("\n");
    body += line;
    return true;
  }

  InfluxSettings settings_;
  std::string rule_name_;
  HttpClient client_;
};

}  // namespace

std::unique_ptr<rule::Sink> make_influx(const Making& making, Settings& settings) {
  InfluxSettings made;
  std::string base = settings.text("url");
  check_url(settings, "url", base);
  while (!base.empty() && base.back() == '/') base.pop_back();
  if (settings.has("bucket")) {
    made.url = base + "/api/v2/write?precision=ms&org=" + percent_encoded(settings.text("org")) +
               "&bucket=" + percent_encoded(settings.text("bucket"));
    made.token = settings.text("token");
  } else {
    made.url = base + "/write?precision=ms&db=" + percent_encoded(settings.text("database"));
  }
  const auto parse = [&settings](std::string_view name, std::string_view text) {
    std::string problem;
    auto read = Template::parse(text, problem);
    if (!read) settings.refuse(name, problem);
    return read.value_or(Template{});
  };
  made.measurement = parse("measurement", settings.text("measurement"));
  made.time = parse("time", settings.text_or("time", "${timestamp}"));
  for (auto [name, into] : {std::pair{"tags", &made.tags}, std::pair{"fields", &made.fields}})
    if (const auto* part = settings.object(name))
      for (const auto& member : *part) {
        if (member.value().is_string())
          into->emplace_back(std::string(member.key()), parse(name, std::string(member.value().get_string())));
        else
          settings.refuse(name, std::string(member.key()) + " is a text such as ${temperature}");
      }
  made.client = HttpClient::Options::read(settings);
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<InfluxSink>(std::move(made), making.rule_name);
}

}  // namespace tercet::sink
