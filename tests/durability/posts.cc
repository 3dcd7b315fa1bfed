#include "tests/durability/posts.h"

#include <algorithm>
#include <iterator>

namespace tercet::durability {
namespace {

constexpr std::int64_t kFirst = 1'700'000'000'000;
constexpr int kCounters = 20;
constexpr std::size_t kNoteBytes = 6000;

std::string property(std::string_view identifier, std::string_view type, std::string_view specs) {
  return R"({"identifier":")" + std::string(identifier) + R"(","name":")" + std::string(identifier) +
         R"(","accessMode":"r","required":false,"dataType":{"type":")" + std::string(type) + R"(","specs":)" +
         std::string(specs) + "}}";
}

/// Writes one post and, at the same time, what is expected of it.
class Draft {
 public:
  Draft(int board, std::size_t place, std::string_view tail) : board_(board), place_(place), tail_(tail) {}

  /// `"temperature":{"value":21,"time":…}`
  static std::string timed(std::string_view identifier, std::string_view value, std::int64_t time) {
    return quoted(identifier) + ":" + stamped(value, time);
  }
  static std::string stamped(std::string_view value, std::int64_t time) {
    return "{\"value\":" + std::string(value) + ",\"time\":" + std::to_string(time) + "}";
  }
  static std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

  using Fields = std::vector<std::pair<std::string, std::string>>;
  /// Properties of one time. Gives the members of `params`.
  std::string properties(std::int64_t time, const Fields& fields) {
    std::string members;
    for (const auto& [identifier, value] : fields) {
      if (!members.empty()) members += ',';
      members += timed(identifier, value, time);
      post_.values.push_back({identifier, time, value});
    }
    expect('p', time, false, fields);
    return members;
  }
  void expect(char kind, std::int64_t time, bool past, const Fields& fields) {
    std::vector<std::string_view> texts;
    for (const auto& [identifier, value] : fields) texts.push_back(identifier), texts.push_back(value);
    post_.records.push_back(record_line(kind, time, past, texts));
  }
  void bring(std::string_view identifier, std::string_view value, std::int64_t time) {
    post_.values.push_back({std::string(identifier), time, std::string(value)});
  }
  Post finish(const std::string& params) {
    post_.topic = "/sys/" + std::string(kProduct) + "/" + board_name(board_) + "/thing/event/" + std::string(tail_);
    post_.payload = "{\"id\":\"" + std::to_string(place_) + "\",\"version\":\"1.0\",\"params\":" + params + "}";
    return std::move(post_);
  }

 private:
  int board_;
  std::size_t place_;
  std::string_view tail_;
  Post post_;
};

Post climate(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/post");
  const std::string note = Draft::quoted(std::string(kNoteBytes, static_cast<char>('a' + place % 26)));
  return draft.finish("{" + draft.properties(time, {{"temperature", std::to_string(place)}, {"note", note}}) + "}");
}

/// Every counter at once: their last values lie in two records, which must never differ.
Post counters(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/post");
  Draft::Fields fields;
  for (int i = 0; i < kCounters; ++i) fields.emplace_back("c" + std::to_string(i), std::to_string(place));
  return draft.finish("{" + draft.properties(time, fields) + "}");
}

/// Two times in one post: two records of history, together or not at all.
Post two_times(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/post");
  const auto first = draft.properties(time, {{"temperature", std::to_string(place)}});
  const auto second = draft.properties(time + 1, {{"humidity", std::to_string(place % 100)}});
  return draft.finish("{" + first + "," + second + "}");
}

/// Older than what the board has said before: goes to history, and changes no last value.
Post late(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/post");
  return draft.finish("{" + draft.properties(time - 5'500, {{"temperature", "-" + std::to_string(place)}}) + "}");
}

Post alarm(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "alarm/post");
  const std::string output = "{\"level\":" + std::to_string(place) + "}";
  draft.expect('e', time, false, {{"alarm", output}});
  return draft.finish(Draft::stamped(output, time));
}

Post batch(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/batch/post");
  const std::string output = "{\"level\":" + std::to_string(place) + "}";
  std::string samples;
  for (std::int64_t at = time; at < time + 3; ++at) {
    const std::string value = std::to_string(at % 1000);
    samples += (samples.empty() ? "" : ",") + Draft::stamped(value, at);
    draft.expect('p', at, false, {{"humidity", value}});
    draft.bring("humidity", value, at);
  }
  draft.expect('e', time, false, {{"alarm", output}});
  return draft.finish("{\"properties\":{\"humidity\":[" + samples + "]},\"events\":{\"alarm\":[" +
                      Draft::stamped(output, time) + "]}}");
}

Post history(int board, std::size_t place, std::int64_t time) {
  Draft draft(board, place, "property/history/post");
  const std::string output = "{\"level\":" + std::to_string(place) + "}";
  std::string rows;
  for (std::int64_t at = time - 400'000; at < time - 399'996; ++at) {
    const std::string value = std::to_string(at % 1000);
    rows += (rows.empty() ? "{" : ",{") + Draft::timed("temperature", value, at) + "}";
    draft.expect('p', at, true, {{"temperature", value}});
  }
  draft.expect('e', time - 400'000, true, {{"alarm", output}});
  return draft.finish("[{\"identity\":{\"productKey\":\"" + std::string(kProduct) + "\",\"deviceName\":\"" +
                      board_name(board) + "\"},\"properties\":[" + rows + "],\"events\":[{" +
                      Draft::timed("alarm", output, time - 400'000) + "}]}]");
}

}  // namespace

std::string board_name(int board) { return "board" + std::to_string(board); }

std::string board_model() {
  std::string properties = property("temperature", "float", R"({"min":"-1000","max":"1000"})");
  properties += "," + property("humidity", "double", R"({"min":"0","max":"1000"})");
  properties += "," + property("note", "text", R"({"length":"10240"})");
  for (int i = 0; i < kCounters; ++i) properties += "," + property("c" + std::to_string(i), "int", "{}");
  return R"({"properties":[)" + properties +
         R"(],"events":[{"identifier":"alarm","name":"Alarm","type":"alert","required":false,"outputData":[)"
         R"({"identifier":"level","name":"Level","dataType":{"type":"int","specs":{}}}]}],"services":[]})";
}

std::vector<Post> script_of(int board, std::size_t posts) {
  using Write = Post (*)(int board, std::size_t place, std::int64_t time);
  static constexpr Write kKinds[] = {climate, alarm, two_times, counters, climate, history, late, batch};
  std::vector<Post> script;
  for (std::size_t place = 0; place < posts; ++place)
    script.push_back(kKinds[(place + static_cast<std::size_t>(board)) % std::size(kKinds)](
        board, place, kFirst + std::int64_t(place) * 1000));
  return script;
}

std::string record_line(char kind, std::int64_t time, bool past, const std::vector<std::string_view>& fields) {
  std::string line = std::string(1, kind) + " " + std::to_string(time) + (past ? " p" : " l");
  for (const auto field : fields) line.append(" ").append(field);
  return line;
}

Held held_after(const std::vector<Post>& script, std::size_t count) {
  Held held;
  for (std::size_t place = 0; place < count; ++place) {
    held.records.insert(script[place].records.begin(), script[place].records.end());
    for (const auto& [identifier, time, value] : script[place].values) {
      auto& last = held.last[identifier];
      if (last.second.empty() || time >= last.first) last = {time, value};
    }
  }
  return held;
}

std::string first_difference(const Held& held, const Held& wanted) {
  constexpr std::size_t kShown = 80;
  std::vector<std::string> extra, missing;
  std::set_difference(held.records.begin(), held.records.end(), wanted.records.begin(), wanted.records.end(),
                      std::back_inserter(extra));
  std::set_difference(wanted.records.begin(), wanted.records.end(), held.records.begin(), held.records.end(),
                      std::back_inserter(missing));
  if (!missing.empty()) return "history lacks " + missing.front().substr(0, kShown);
  if (!extra.empty()) return "history has, or has twice, " + extra.front().substr(0, kShown);
  if (held.last.size() != wanted.last.size()) return "another number of last values";
  for (const auto& [identifier, value] : wanted.last) {
    const auto found = held.last.find(identifier);
    if (found == held.last.end()) return "no last value of " + identifier;
    if (found->second == value) continue;
    return "the last value of " + identifier + " is " + found->second.second.substr(0, kShown) + " and not " +
           value.second.substr(0, kShown);
  }
  return "";
}

}  // namespace tercet::durability
