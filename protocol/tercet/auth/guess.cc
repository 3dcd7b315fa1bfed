#include "tercet/auth/guess.h"

#include <algorithm>
#include <array>

#include "tercet/auth/sign.h"
#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

constexpr std::int64_t k32Bits = 1LL << 32;

/// What stands in sample code and gets copied with it: the C SDKs' constant, the documents' example, the article's.
constexpr std::array kSampleTimestamps{kConstantTimestamp, std::string_view("789"), std::string_view("1712345678900")};

std::string with_case(std::string_view text, bool upper) {
  std::string made(text);
  for (char& c : made) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return made;
}

/// Collects changes, dropping those that change nothing and those that are there already.
class Changes {
 public:
  explicit Changes(const Subject& subject) : subject_(subject), right_(right_content(subject)), seen_{right_.text()} {}

  void add(Part part, Cause cause, std::function<void(Content&)> apply, bool common = true) {
    Content changed = right_;
    apply(changed);
    std::string text = changed.text();
    if (std::find(seen_.begin(), seen_.end(), text) != seen_.end()) return;
    seen_.push_back(std::move(text));
    made_.push_back({part, cause, common, std::move(apply)});
  }
  void set(Part part, Cause cause, std::string_view label, std::string value, bool common = true) {
    add(
        part, cause,
        [label, value = std::move(value)](Content& content) {
          if (auto* field = content.find(label)) field->value = value;
        },
        common);
  }
  const Subject& subject() const { return subject_; }
  std::vector<Change> take() { return std::move(made_); }

 private:
  const Subject& subject_;
  Content right_;
  std::vector<std::string> seen_;
  std::vector<Change> made_;
};

void add_ids(Changes& changes) {
  const Subject& s = changes.subject();
  const auto id = [&](std::string value, Cause cause = Cause::sign_other_client_id, bool common = true) {
    changes.set(Part::id, cause, "clientId", std::move(value), common);
  };
  if (s.id.has_extension) {
    id(std::string(s.id.whole), Cause::sign_whole_client_id);
    id(std::string(s.id.id) + "|" + std::string(s.id.extension) + "|", Cause::sign_whole_client_id, false);
    id(std::string(s.id.id) + "|", Cause::sign_whole_client_id, false);
    id(std::string(s.id.id) + "|" + std::string(s.id.extension), Cause::sign_whole_client_id, false);
  }
  // A client id that is the beginning of a usual one was cut before its first bar.
  for (const std::string& usual : {s.product + "." + s.device, s.product + "&" + s.device, s.device + "." + s.product})
    id(usual, !s.id.has_extension && usual.starts_with(s.id.id) ? Cause::client_id_cut : Cause::sign_other_client_id);
  id(s.device);
  id(s.user_name);
  id(with_case(s.id.id, false), Cause::sign_names_case);
  id(with_case(s.id.id, true), Cause::sign_names_case);
  if (!s.id.inner_client_id.empty()) id(std::string(s.id.inner_client_id));
  id("");
  id("12345", Cause::sign_other_client_id, false);
}

void add_names(Changes& changes) {
  const Subject& s = changes.subject();
  const auto names = [&](std::string device, std::string product, Cause cause, bool common) {
    changes.add(
        Part::names, cause,
        [device = std::move(device), product = std::move(product)](Content& content) {
          if (auto* field = content.find("deviceName")) field->value = device;
          if (auto* field = content.find("productKey")) field->value = product;
        },
        common);
  };
  names(s.product, s.device, Cause::sign_names_swapped, true);
  for (const bool upper : {false, true}) {
    names(with_case(s.device, upper), with_case(s.product, upper), Cause::sign_names_case, !upper);
    names(with_case(s.device, upper), s.product, Cause::sign_names_case, false);
    names(s.device, with_case(s.product, upper), Cause::sign_names_case, false);
  }
}

void replace_timestamp(Content& content, const std::string& value) {
  if (auto* field = content.find("timestamp"))
    field->value = value;
  else
    content.fields.push_back({"timestamp", value});
}

void add_timestamp(Changes& changes, Cause cause, std::string value, bool common = true) {
  changes.add(
      Part::timestamp, cause, [value = std::move(value)](Content& content) { replace_timestamp(content, value); },
      common);
}

/// The client id (or the password's suffix) has a timestamp, but another one was signed.
void add_other_timestamps(Changes& changes, const std::string& stated) {
  changes.add(Part::timestamp, Cause::sign_timestamp_missing, [](Content& content) {
    std::erase_if(content.fields, [](const auto& f) { return f.label == "timestamp"; });
  });
  const std::int64_t now = changes.subject().now.ms;
  if (changes.subject().id.timestamp)
    add_timestamp(changes, Cause::sign_timestamp_differs, std::string(*changes.subject().id.timestamp));
  if (const auto ms = parse_millis(stated)) {
    add_timestamp(changes, Cause::sign_timestamp_seconds, std::to_string(*ms / 1000));
    if (*ms < 100'000'000'000) {
      add_timestamp(changes, Cause::sign_timestamp_seconds, std::to_string(*ms * 1000));
      // The stated one may be what 32 bits left of the true one.
      const std::int64_t whole = now - (now - *ms) % k32Bits;
      for (const std::int64_t guess : {whole, whole + k32Bits, whole - k32Bits})
        if (guess > 0) add_timestamp(changes, Cause::sign_timestamp_overflow, std::to_string(guess));
    }
    for (const std::string& wrapped : overflowed(*ms)) add_timestamp(changes, Cause::sign_timestamp_overflow, wrapped);
    add_timestamp(changes, Cause::sign_timestamp_differs, std::to_string(*ms / 1000 * 1000));
    for (const std::string_view sample : kSampleTimestamps)
      add_timestamp(changes, Cause::sign_timestamp_differs, std::string(sample), sample == kConstantTimestamp);
    for (std::int64_t step = 1; step <= 40; ++step)
      for (const std::int64_t delta : {-step, step, -step * 1000, step * 1000})
        if (*ms + delta >= 0) add_timestamp(changes, Cause::sign_timestamp_differs, std::to_string(*ms + delta), false);
  } else {
    // Not a number of milliseconds: perhaps the end of an overflow, printed with 64 bits.
    for (std::int64_t second = -2; second <= 2; ++second)
      for (const std::string& wrapped : overflowed(now + second * 1000))
        if (wrapped == stated)
          add_timestamp(changes, Cause::sign_timestamp_overflow, std::to_string(now + second * 1000));
    std::uint64_t bits = 0;
    bool digits = !stated.empty() && stated.size() <= 20;
    for (const char c : stated)
      digits = digits && c >= '0' && c <= '9', bits = bits * 10 + static_cast<std::uint64_t>(c - '0');
    if (digits) {
      const auto low = static_cast<std::int64_t>(bits & 0xFFFFFFFFULL);
      const std::int64_t whole = (now & ~(k32Bits - 1)) | low;
      for (const std::int64_t guess : {whole, whole - k32Bits, whole + k32Bits})
        add_timestamp(changes, Cause::sign_timestamp_overflow, std::to_string(guess));
    }
  }
}

/// The client id has none, but one was signed: which, can only be guessed.
void add_unstated_timestamps(Changes& changes) {
  const Subject& s = changes.subject();
  if (!s.tail_timestamp.empty()) add_timestamp(changes, Cause::sign_timestamp_not_in_client_id, s.tail_timestamp);
  for (const std::string_view sample : kSampleTimestamps)
    add_timestamp(changes, Cause::sign_timestamp_not_in_client_id, std::string(sample), sample == kConstantTimestamp);
  const std::int64_t second = s.now.ms / 1000;
  for (std::int64_t back = 0; back <= 60; ++back)
    for (const std::int64_t at : {second - back, second + back}) {
      add_timestamp(changes, Cause::sign_timestamp_not_in_client_id, std::to_string(at * 1000), false);
      add_timestamp(changes, Cause::sign_timestamp_not_in_client_id, std::to_string(at), false);
    }
}

/// Adds the pairs of the extension that `takes` chooses, and sorts all fields by name as the rule says.
void add_extension(Changes& changes, bool (*takes)(std::string_view key)) {
  const std::string extension(changes.subject().id.extension);
  changes.add(Part::fields, Cause::sign_extra_field, [extension, takes](Content& content) {
    ExtensionPairs pairs{extension};
    while (const auto pair = pairs.next())
      if (content.find(pair->key) == nullptr && takes(pair->key))
        content.fields.push_back({std::string(pair->key), std::string(pair->value)});
    std::stable_sort(content.fields.begin(), content.fields.end(),
                     [](const auto& a, const auto& b) { return a.label < b.label; });
  });
}

void add_fields(Changes& changes) {
  for (const std::string_view missing : {"clientId", "deviceName", "productKey"})
    changes.add(Part::fields, Cause::sign_field_missing, [missing](Content& content) {
      std::erase_if(content.fields, [missing](const auto& field) { return field.label == missing; });
    });
  add_extension(changes, [](std::string_view) { return true; });
  add_extension(changes, [](std::string_view key) { return key == "securemode" || key == "signmethod"; });
  add_extension(changes, [](std::string_view key) { return key == "securemode"; });
  add_extension(changes, [](std::string_view key) { return key == "signmethod"; });
}

void add_orders(Changes& changes) {
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  while (std::next_permutation(order.begin(), order.end())) {
    // People who sort wrongly mostly keep the timestamp at the end.
    const bool common = order[3] == 3;
    changes.add(
        Part::order, Cause::sign_order,
        [order](Content& content) {
          if (content.fields.size() < 3) return;
          std::vector<Content::Field> ordered;
          for (const std::size_t i : order)
            if (i < content.fields.size()) ordered.push_back(content.fields[i]);
          for (std::size_t i = 4; i < content.fields.size(); ++i) ordered.push_back(content.fields[i]);
          content.fields = std::move(ordered);
        },
        common);
  }
}

void add_labels(Changes& changes) {
  const auto relabel = [&](Cause cause, std::function<std::string(const std::string&)> change) {
    changes.add(Part::labels, cause, [change = std::move(change)](Content& content) {
      for (auto& field : content.fields) field.label = change(field.label);
    });
  };
  relabel(Cause::sign_labels_missing, [](const std::string&) { return std::string{}; });
  relabel(Cause::sign_labels_case, [](const std::string& label) { return with_case(label, false); });
  relabel(Cause::sign_labels_case, [](const std::string& label) { return with_case(label, true); });
  relabel(Cause::sign_labels_case,
          [](const std::string& label) {  // an added field may have no label
            return label.empty() ? label : with_case(label.substr(0, 1), true) + label.substr(1);
          });
  relabel(Cause::sign_labels_case, [](const std::string& label) { return label == "clientId" ? "clientID" : label; });
}

void add_separators(Changes& changes) {
  const bool article = changes.subject().article;
  const auto separate = [&](Cause cause, std::string between, std::string equals, std::string times = {},
                            bool common = true) {
    changes.add(
        Part::separator, cause,
        [=](Content& content) {
          content.between = between;
          content.equals = equals;
          content.times = times;
        },
        common);
  };
  const Cause equals = Cause::sign_equals_between_name_and_value;
  // In the article's dialect '&' is right and nothing at all is the official text with a suffix to it.
  separate(article ? Cause::password_suffix : Cause::sign_ampersand_between_fields, article ? "" : "&", "");
  separate(article ? equals : Cause::sign_ampersand_between_fields, "&", "=");
  separate(equals, "", "=");
  for (const std::string times : {"\xC3\x97", "\xA1\xC1", "\xD7"}) {  // in UTF-8, GBK and Latin-1
    separate(Cause::sign_times_sign, "&", "", times, times.size() == 2 && times[0] == '\xC3');
    separate(Cause::sign_times_sign, "&", "=", times, false);
    separate(Cause::sign_times_sign, "", "", times, false);
  }
  separate(equals, ",", "=", "", false);
  separate(equals, "", ":", "", false);
  for (const std::string other : {",", " ", "\n", ", ", ";", "|", "\r\n"})
    separate(Cause::sign_other_separator, other, "", "", other == "," || other == "\n");
}

void add_tails(Changes& changes) {
  for (const std::string& tail : {std::string(1, '\0'), std::string("\n"), std::string(" "), std::string("\r\n"),
                                  std::string("&"), std::string("|")})
    changes.add(
        Part::tail, Cause::sign_trailing_character, [tail](Content& content) { content.tail = tail; },
        tail[0] == '\0' || tail == "\n");
}

void add_decoded(std::vector<KeyGuess>& guesses, std::string_view secret) {
  std::array<std::uint8_t, 64> bytes;
  if (const auto decoded = crypto::decode_hex(secret, bytes))
    guesses.push_back({std::string(as_text(*decoded)), "the DeviceSecret decoded from hex", Cause::key_hex_decoded});
  if (const auto decoded = crypto::decode_base64(secret, bytes))
    guesses.push_back(
        {std::string(as_text(*decoded)), "the DeviceSecret decoded from base64", Cause::key_hex_decoded, false});
}

}  // namespace

std::string Content::text() const {
  std::string made;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const bool swallowed = !times.empty() && field.label == "timestamp";
    if (!swallowed && i > 0) made += between;
    made += swallowed ? times + "tamp" : field.label;
    if (!field.label.empty()) made += equals;
    made += field.value;
  }
  return made + tail;
}

Content::Field* Content::find(std::string_view label) {
  for (Field& field : fields)
    if (field.label == label) return &field;
  return nullptr;
}

Content right_content(const Subject& subject) {
  Content content;
  content.fields = {
      {"clientId", std::string(subject.id.id)}, {"deviceName", subject.device}, {"productKey", subject.product}};
  if (subject.timestamp) content.fields.push_back({"timestamp", *subject.timestamp});
  if (subject.article) content.between = "&";
  return content;
}

std::vector<Change> content_changes(const Subject& subject) {
  Changes changes{subject};
  add_separators(changes);
  if (subject.timestamp)
    add_other_timestamps(changes, *subject.timestamp);
  else
    add_unstated_timestamps(changes);
  add_names(changes);
  add_ids(changes);
  add_labels(changes);
  add_fields(changes);
  add_tails(changes);
  add_orders(changes);
  return changes.take();
}

std::vector<KeyGuess> key_guesses(const Known& known, const Subject& subject) {
  const std::string secret(known.device_secret);
  std::vector<KeyGuess> guesses{{secret, "the DeviceSecret", std::nullopt}};
  if (!known.product_secret.empty()) {
    guesses.push_back({std::string(known.product_secret), "the ProductSecret", Cause::key_is_product_secret});
    guesses.push_back({std::string(known.product_secret) + "\n", "the ProductSecret and a newline",
                       Cause::key_is_product_secret, false});
  }
  const auto trailing = [&](std::string before, std::string after, std::string what) {
    guesses.push_back({before + secret + after, "the DeviceSecret " + what, Cause::key_trailing_character,
                       after == "\n" || after == "\r\n" || after == " "});
  };
  trailing("", "\n", "and a newline");
  trailing("", "\r\n", "and a carriage return and newline");
  trailing("", "\r", "and a carriage return");
  trailing("", " ", "and a blank");
  trailing("", "\t", "and a tab");
  trailing("", std::string(1, '\0'), "and a NUL");
  trailing(" ", "", "with a blank in front");
  trailing("\"", "\"", "in quotes");
  guesses.push_back({secret + "&", "the DeviceSecret and '&'", Cause::key_ampersand_appended, false});
  add_decoded(guesses, secret);
  guesses.push_back({with_case(secret, true), "the DeviceSecret in upper case", Cause::key_case, false});
  guesses.push_back({with_case(secret, false), "the DeviceSecret in lower case", Cause::key_case});
  guesses.push_back({"", "an empty key", Cause::key_empty, false});
  guesses.push_back({subject.product, "the ProductKey", Cause::key_is_a_name, false});
  guesses.push_back({subject.device, "the DeviceName", Cause::key_is_a_name, false});
  for (std::size_t size = secret.size(); size-- > 8;)
    guesses.push_back({secret.substr(0, size), "the first " + std::to_string(size) + " characters of the DeviceSecret",
                       Cause::key_cut, size + 1 == secret.size()});
  // With a secret that is all one case, or all digits, some guesses are the secret itself.
  guesses.erase(
      std::remove_if(guesses.begin() + 1, guesses.end(), [&](const KeyGuess& guess) { return guess.bytes == secret; }),
      guesses.end());
  return guesses;
}

std::vector<std::string> overflowed(std::int64_t ms) {
  std::vector<std::string> made;
  // Both whole seconds times 1000, as the usual code computes it, and the milliseconds themselves.
  for (const std::int64_t whole : {ms / 1000 * 1000, ms}) {
    const auto low = static_cast<std::uint32_t>(whole);
    const auto as_signed = static_cast<std::int32_t>(low);
    made.push_back(std::to_string(low));
    made.push_back(std::to_string(as_signed));
    made.push_back(std::to_string(static_cast<std::uint64_t>(static_cast<std::int64_t>(as_signed))));
    made.push_back(std::to_string(2147483647));
  }
  return made;
}

std::optional<Cause> clock_fault(std::string_view timestamp, UnixMillis now) {
  if (timestamp == kConstantTimestamp || is_inside_window(timestamp, now, kArticleWindow)) return std::nullopt;
  const std::int64_t window = kArticleWindow.count();
  std::uint64_t bits = 0;
  const bool negative = timestamp.starts_with('-');
  for (const char c : timestamp.substr(negative ? 1 : 0)) {
    if (c < '0' || c > '9') return Cause::clock_outside_window;
    bits = bits * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (timestamp.empty()) return Cause::clock_outside_window;
  if (negative) bits = ~bits + 1;
  // Beyond 2^63 only a sign that was carried along gets; a positive remainder is known by the clock.
  if (bits >> 63 != 0 || timestamp == "2147483647") return Cause::clock_overflow;
  const std::int64_t off =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(bits) - static_cast<std::uint32_t>(now.ms));
  if (bits >> 32 == 0 && off >= -window && off <= window) return Cause::clock_overflow;
  const auto value = static_cast<std::int64_t>(bits);
  if (value > 1'000'000'000 && value < 5'000'000'000) return Cause::clock_seconds;
  if (value < 500'000'000'000) return Cause::clock_never_set;
  return Cause::clock_outside_window;
}

}  // namespace tercet::auth
