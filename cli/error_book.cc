#include "cli/error_book.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <optional>

#include "platform/registry/api_code.h"
#include "platform/registry/http_logins.h"
#include "platform/thing/shadow.h"
#include "tercet/alink/codes.h"
#include "tercet/auth/cause.h"
#include "tercet/ota/fault.h"

namespace tercet::cli {
namespace {

ErrorChapter replies() {
  ErrorChapter chapter{"alink",
                       "Replies to devices",
                       "设备请求的应答码",
                       "The `code` of a reply on a topic that ends in `_reply`, and of what a device answers.",
                       "以 `_reply` 结尾的 Topic 上应答的 `code`，以及设备应答的 `code`。",
                       {}};
#define TERCET_ROW(name, number, ...) chapter.entries.push_back({#number, __VA_ARGS__});
  TERCET_ALINK_CODES(TERCET_ROW)
#undef TERCET_ROW
  return chapter;
}

ErrorChapter shadow() {
  ErrorChapter chapter{"shadow",
                       "Shadow",
                       "设备影子",
                       "The `errorcode` of a reply on `/shadow/get/...`.",
                       "`/shadow/get/...` 上应答的 `errorcode`。",
                       {}};
#define TERCET_ROW(name, number, ...) chapter.entries.push_back({#number, __VA_ARGS__});
  TERCET_SHADOW_ERRORS(TERCET_ROW)
#undef TERCET_ROW
  return chapter;
}

ErrorChapter channel() {
  ErrorChapter chapter{"https",
                       "HTTPS channel",
                       "HTTPS 通道",
                       "The `code` of an answer to `/auth` and `/topic/...`.",
                       "`/auth` 与 `/topic/...` 应答的 `code`。",
                       {}};
#define TERCET_ROW(name, number, ...) chapter.entries.push_back({#number, __VA_ARGS__});
  TERCET_HTTP_CODES(TERCET_ROW)
#undef TERCET_ROW
  return chapter;
}

ErrorChapter updates() {
  ErrorChapter chapter{
      "ota",
      "Updates over the air",
      "OTA 升级",
      "What a board reports of an update that failed: the number is the `step`, the name is in `desc`.",
      "设备上报的升级失败：数字为 `step`，名称在 `desc` 中。",
      {}};
#define TERCET_ROW(name, number, ...) chapter.entries.push_back({#number, #name, __VA_ARGS__});
  TERCET_OTA_STEPS(TERCET_ROW)
#undef TERCET_ROW
#define TERCET_ROW(name, step, ...) chapter.entries.push_back({#name, #step, __VA_ARGS__});
  TERCET_OTA_FAULTS(TERCET_ROW)
#undef TERCET_ROW
  return chapter;
}

ErrorChapter management() {
  ErrorChapter chapter{"api",
                       "Management API and console",
                       "管理 API 与控制台",
                       "The `Code` of an answer whose `Success` is false, or of an HTTP status of 400 and above.",
                       "`Success` 为 false 或 HTTP 状态码不小于 400 时的 `Code`。",
                       {}};
  for (const auto& row : registry::kApiCodes)
    chapter.entries.push_back({std::string(row.code), {}, row.cause_en, row.cause_zh, row.remedy_en, row.remedy_zh});
  return chapter;
}

std::string_view connack(std::uint8_t code) {
  constexpr std::string_view kTexts[] = {"", "CONNACK 1", "CONNACK 2", "CONNACK 3", "CONNACK 4", "CONNACK 5"};
  return code < std::size(kTexts) ? kTexts[code] : std::string_view{};
}

ErrorChapter journal() {
  ErrorChapter chapter{
      "journal",
      "Refusal journal",
      "拒绝日志",
      "Why a login, a topic or a message was refused: `tercet log`, the console and the doctor show it.",
      "登录、Topic 或消息被拒绝的原因，可在 `tercet log`、控制台和 doctor 中看到。",
      {}};
  for (const auto& row : auth::all_causes())
    chapter.entries.push_back(
        {std::string(row.code), connack(row.connack), row.cause_en, row.cause_zh, row.remedy_en, row.remedy_zh});
  return chapter;
}

std::optional<long> number_in(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// The fewest insertions, removals and replacements from one to the other.
std::size_t changes(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// Small for what is likely meant; nothing between a number and a name.
std::optional<std::size_t> distance(std::string_view asked, std::string_view code) {
  const auto asked_number = number_in(asked), number = number_in(code);
  if (asked_number.has_value() != number.has_value()) return std::nullopt;
  if (number) {
    // Two digits exchanged or one mistyped are nearer than a neighbour far away.
    const auto apart = static_cast<std::size_t>(std::labs(*asked_number - *number));
    return std::min(apart, changes(asked, code) * 10);
  }
  const std::string a = lowered(asked), b = lowered(code);
  const std::string_view last = std::string_view(b).substr(b.rfind('.') + 1);
  const std::size_t near = std::min(changes(a, b), changes(a, last));
  return b.find(a) != std::string::npos ? std::min<std::size_t>(near, 8) : near;
}

constexpr std::size_t kLongestAsked = 100;  ///< more is no code, and would be compared for long

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '>') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::span<const ErrorChapter> error_book() {
  static const std::vector<ErrorChapter> book = [] {
    std::vector<ErrorChapter> chapters;
    for (auto* make : {replies, shadow, channel, updates, management, journal}) chapters.push_back(make());
    return chapters;
  }();
  return book;
}

std::vector<FoundError> find_error(std::string_view code) {
  std::vector<FoundError> found;
  for (const ErrorChapter& chapter : error_book())
    for (const ErrorEntry& entry : chapter.entries)
      if (entry.code == code) found.push_back({&chapter, &entry});
  if (!found.empty() || code.empty()) return found;
  const auto* row = registry::find_api_code(code);
  return row == nullptr || row->code == code ? found : find_error(row->code);
}

std::vector<FoundError> nearest_errors(std::string_view code, std::size_t most) {
  code = code.substr(0, kLongestAsked);
  std::vector<std::pair<std::size_t, FoundError>> all;
  for (const ErrorChapter& chapter : error_book())
    for (const ErrorEntry& entry : chapter.entries)
      if (const auto far = distance(code, entry.code)) all.push_back({*far, {&chapter, &entry}});
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<FoundError> nearest;
  for (const auto& [far, one] : all) {
    if (nearest.size() == most) break;
    nearest.push_back(one);
  }
  return nearest;
}

std::string error_page(bool zh) {
  std::string page =
      zh ? "# 错误码手册\n平台、设备 SDK 与管理 API "
           "会给出的全部错误码：含义与原因、处理方法。由代码所用的同一张表生成："
           "`tercet errors --markdown --zh`；查询单个：`tercet explain 6304`。[English](errors.md)\n"
         : "# Errors\nEvery code that the platform, the device SDK and the management API give: what it means, where "
           "it comes "
           "from, and what to do.\nPrinted from the tables that the code itself uses (`tercet errors --markdown`); one "
           "code: "
           "`tercet explain 6304`. [中文](errors.zh-CN.md)\n\nA device may answer with codes of its own from 100000 to "
           "110000; those are in its maker's book.\n";
  if (zh) page += "\n设备可以用 100000 到 110000 之间的自定义代码应答，其含义由设备厂商规定。\n";
  for (const ErrorChapter& chapter : error_book()) {
    page.append("\n## ").append(zh ? chapter.title_zh : chapter.title_en).append("\n");
    page.append(zh ? chapter.about_zh : chapter.about_en).append("\n\n");
    const bool says = std::any_of(chapter.entries.begin(), chapter.entries.end(),
                                  [](const ErrorEntry& entry) { return !entry.says.empty(); });
    page += zh ? (says ? "| 代码 | 报文中的文字 | 含义与原因 | 处理 |\n|---|---|---|---|\n"
                       : "| 代码 | 含义与原因 | 处理 |\n|---|---|---|\n")
               : (says ? "| Code | Says | Meaning and cause | Remedy |\n|---|---|---|---|\n"
                       : "| Code | Meaning and cause | Remedy |\n|---|---|---|\n");
    for (const ErrorEntry& entry : chapter.entries) {
      page.append("| `").append(entry.code).append("` | ");
      if (says) page.append(cell(entry.says)).append(" | ");
      page.append(cell(zh ? entry.cause_zh : entry.cause_en)).append(" | ");
      page.append(cell(zh ? entry.remedy_zh : entry.remedy_en)).append(" |\n");
    }
  }
  return page;
}

std::string error_list(std::string_view wanted, bool zh) {
  std::string text;
  for (const ErrorChapter& chapter : error_book()) {
    if (!wanted.empty() && wanted != chapter.name) continue;
    text.append(text.empty() ? "" : "\n").append(zh ? chapter.title_zh : chapter.title_en);
    text.append(" (").append(chapter.name).append(")\n");
    for (const ErrorEntry& entry : chapter.entries)
      text.append("  ").append(entry.code).append("  ").append(zh ? entry.cause_zh : entry.cause_en).append("\n");
  }
  return text;
}

std::string error_explanation(std::span<const FoundError> found, bool zh) {
  std::string text;
  for (const auto& [chapter, entry] : found) {
    text.append(text.empty() ? "" : "\n").append(entry->code).append("  ").append(entry->says);
    text.append(entry->says.empty() ? "(" : "  (").append(zh ? chapter->title_zh : chapter->title_en).append(")\n");
    text.append(zh ? "  原因：" : "  Cause:  ").append(zh ? entry->cause_zh : entry->cause_en).append("\n");
    text.append(zh ? "  处理：" : "  Remedy: ").append(zh ? entry->remedy_zh : entry->remedy_en).append("\n");
  }
  return text;
}

}  // namespace tercet::cli
