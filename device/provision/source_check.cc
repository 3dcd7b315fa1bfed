#include "provision/source_check.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace tercet::provision {
namespace {

constexpr std::string_view kMarker = "not-a-secret";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_alnum(c) || c == '_' || c == '-'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

template <typename Claim>
bool all(std::string_view text, Claim claim) {
  return std::all_of(text.begin(), text.end(), claim);
}

std::string fold(std::string_view name) {
  std::string folded;
  for (const char c : name)
    if (is_alnum(c)) folded += lower(c);
  return folded;
}

/// How much a value must look like a secret before we say so.
enum class Named { not_at_all, secret, password };

Named named_by(std::string_view name) {
  const std::string folded = fold(name);
  if (folded.find("secret") != std::string::npos || folded == "ds" || folded == "ps") return Named::secret;
  for (const std::string_view part : {"password", "passwd", "mqttpass"})
    if (folded.find(part) != std::string::npos) return Named::password;
  return Named::not_at_all;
}

/// 0123..., abcd...: most characters follow the one before.
bool is_sequence(std::string_view value) {
  std::size_t steps = 0;
  for (std::size_t i = 1; i < value.size(); ++i) {
    const char a = lower(value[i - 1]), b = lower(value[i]);
    if (b == a + 1 || (a == '9' && (b == '0' || b == 'a')) || (a == 'f' && b == '0')) ++steps;
  }
  return steps * 10 >= (value.size() - 1) * 6;
}

bool is_repetition(std::string_view value) {
  for (std::size_t period = 1; period <= value.size() / 2; ++period)
    if (value.substr(period) == value.substr(0, value.size() - period)) return true;
  return false;
}

bool has_words(std::string_view value) {
  constexpr std::array<std::string_view, 33> kWords{
      "your",      "secret",    "device", "product", "example", "placeholder", "xxxx",    "change", "replace",
      "dummy",     "fake",      "test",   "insert",  "enter",   "paste",       "here",    "sample", "todo",
      "password",  "namespace", "config", "file",    "path",    "name",        "storage", "board",  "flash",
      "partition", "token",     "value",  "string",  "triple",  "handle"};
  const std::string folded = fold(value);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return folded.find(word) != std::string::npos; });
}

bool is_invented(std::string_view value) {
  return std::set<char>(value.begin(), value.end()).size() < 6 || is_sequence(value) || is_repetition(value);
}

/// "32 hex digits" when the value looks like a secret.
std::optional<std::string> looks_secret(std::string_view value, Named named) {
  if (value.size() < 16 || value.size() > 128) return std::nullopt;
  const std::string length = std::to_string(value.size());
  if (all(value, is_hex)) {
    const bool is_signature = value.size() == 32 || value.size() == 40 || value.size() == 64;
    if (named == Named::password && !is_signature) return std::nullopt;
    if (is_invented(value) || (value.size() < 32 && all(value, is_digit))) return std::nullopt;
    return length + " hex digits";
  }
  if (named == Named::password) return std::nullopt;
  std::string_view body = value;
  while (body.ends_with('=')) body.remove_suffix(1);
  const bool is_base64 = value.size() % 4 == 0 && body.front() != '/' &&
                         all(body, [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
  if (!all(body, is_alnum) && !is_base64) return std::nullopt;
  const auto digits = std::count_if(body.begin(), body.end(), is_digit);
  const bool has_letters = std::any_of(body.begin(), body.end(), [](char c) { return is_lower(c) || is_upper(c); });
  if (digits < 2 || !has_letters || is_invented(body) || has_words(body)) return std::nullopt;
  return length + " letters and digits";
}

bool is_code(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string ending = fold(file_name.substr(dot + 1));
  for (const std::string_view known : {"h",  "hh",  "hpp", "c",    "cc", "cpp", "cxx", "ino",   "inc", "s", "py",
                                       "js", "mjs", "ts",  "java", "rs", "go",  "lua", "cmake", "sh",  "md"})
    if (ending == known) return true;
  return false;
}

bool is_table(std::string_view file_name) { return file_name.ends_with(".csv") || file_name.ends_with(".CSV"); }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\"'";
  const std::size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

/// Contents of the literals in one statement; a statement ends with `;` outside of them.
std::vector<std::string_view> literals(std::string_view text, bool& ended) {
  std::vector<std::string_view> found;
  ended = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';') {
      ended = true;
      return found;
    }
    if (text[i] != '"' && text[i] != '\'' && text[i] != '`') continue;
    const std::size_t end = text.find(text[i], i + 1);
    if (end == std::string_view::npos) return found;
    found.push_back(text.substr(i + 1, end - i - 1));
    i = end;
  }
  return found;
}

/// The word behind a name and `=`, `:`, `,` or a blank.
std::string_view bare_word(std::string_view rest) {
  std::size_t at = 0;
  while (at < rest.size() && std::string_view(" \t=:,\"'").find(rest[at]) != std::string_view::npos) ++at;
  std::size_t end = at;
  while (end < rest.size() && (is_alnum(rest[end]) || rest[end] == '+' || rest[end] == '/' || rest[end] == '=')) ++end;
  if (end < rest.size() &&
      (is_word(rest[end]) || std::string_view("(.[{<>:").find(rest[end]) != std::string_view::npos))
    return {};
  return rest.substr(at, end - at);
}

class Check {
 public:
  Check(std::string_view file_name, std::string_view text)
      : code_(is_code(file_name)), table_(is_table(file_name)), lines_(split(text, '\n')) {}

  std::vector<SourceFinding> run() {
    if (table_) read_titles();
    for (line_ = 0; line_ < lines_.size(); ++line_) {
      if (is_marked()) continue;
      const std::string plain = unescaped(lines_[line_]);
      if (!check_key(plain) && !check_names(plain) && !check_triple(plain) && table_) check_cells(plain);
    }
    return std::move(found_);
  }

 private:
  /// `\"` within a literal quotes as `"` does.
  static std::string unescaped(std::string_view line) {
    std::string plain;
    for (std::size_t i = 0; i < line.size(); ++i)
      if (line[i] != '\\' || i + 1 == line.size() || (line[i + 1] != '"' && line[i + 1] != '\'')) plain += line[i];
    return plain;
  }

  bool is_marked() const {
    return lines_[line_].find(kMarker) != std::string_view::npos ||
           (line_ > 0 && lines_[line_ - 1].find(kMarker) != std::string_view::npos);
  }

  bool report(std::string_view name, const std::string& kind) {
    found_.push_back({line_ + 1, std::string(name.substr(0, 60)) + ": " + kind});
    return true;
  }

  bool check_key(std::string_view line) {
    const std::size_t begin = line.find("-----BEGIN ");
    if (begin == std::string_view::npos) return false;
    const std::string_view label = line.substr(begin, line.find("-----", begin + 5) - begin);
    return label.find("PRIVATE KEY") != std::string_view::npos && report("PEM", "a private key");
  }

  bool check_names(std::string_view line) {
    for (std::size_t at = 0; at < line.size();) {
      if (!is_word(line[at]) || is_digit(line[at])) {
        at += 1;
        while (at < line.size() && is_word(line[at - 1]) && is_word(line[at])) ++at;
        continue;
      }
      std::size_t end = at;
      while (end < line.size() && is_word(line[end])) ++end;
      const std::string_view name = line.substr(at, end - at);
      at = end;
      const Named named = named_by(name);
      if (named != Named::not_at_all && check_value(name, named, line.substr(end))) return true;
    }
    return false;
  }

  bool check_value(std::string_view name, Named named, std::string_view rest) {
    // A name that is itself quoted ("deviceSecret": ...) leaves its closing quote in front.
    if (!rest.empty() && (rest.front() == '"' || rest.front() == '\'' || rest.front() == '`')) rest.remove_prefix(1);
    if (const auto kind = looks_bare(bare_word(rest), named)) return report(name, *kind);
    bool ended = false;
    auto values = literals(rest, ended);
    std::string next;
    for (std::size_t i = 1; i <= 2 && values.empty() && !ended && line_ + i < lines_.size(); ++i) {
      next = unescaped(lines_[line_ + i]);
      values = literals(next, ended);
    }
    for (const std::string_view value : values)
      if (const auto kind = looks_secret(trim(value), named)) return report(name, *kind);
    return false;
  }

  /// In code a bare word is a name unless it is a long number; elsewhere it is a value.
  std::optional<std::string> looks_bare(std::string_view word, Named named) const {
    if (code_ && (word.size() < 32 || !all(word, is_hex))) return std::nullopt;
    return looks_secret(word, named);
  }

  bool check_triple(std::string_view line) {
    bool has_product = false;
    std::optional<std::string> secret;
    for (std::size_t at = 0; at < line.size();) {
      std::size_t end = at;
      while (end < line.size() && is_word(line[end])) ++end;
      const std::string_view word = line.substr(at, end - at);
      at = std::max(end, at + 1);
      if (word.size() == 11 && word.starts_with("a1") && all(word, is_alnum)) has_product = true;
      if (word.size() == 32 && !secret) secret = looks_secret(word, Named::secret);
    }
    return has_product && secret && report("beside a ProductKey", *secret);
  }

  void read_titles() {
    const auto titles = split(lines_.front(), ',');
    for (std::size_t i = 0; i < titles.size(); ++i)
      if (named_by(trim(titles[i])) == Named::secret) columns_.insert(i);
  }

  void check_cells(std::string_view line) {
    const auto cells = split(line, ',');
    const bool is_named = named_by(trim(cells.front())) == Named::secret;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_named && (columns_.count(i) == 0 || line_ == 0)) continue;
      if (const auto kind = looks_secret(trim(cells[i]), Named::secret)) {
        report(is_named ? trim(cells.front()) : trim(split(lines_.front(), ',')[i]), *kind);
        return;
      }
    }
  }

  bool code_, table_;
  std::vector<std::string_view> lines_;
  std::size_t line_ = 0;
  std::set<std::size_t> columns_;
  std::vector<SourceFinding> found_;
};

}  // namespace

std::vector<SourceFinding> find_secrets(std::string_view file_name, std::string_view text) {
  return Check(file_name, text).run();
}

}  // namespace tercet::provision
