#include "platform/upgrade/multipart.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace tercet::upgrade {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// The value of `name=` in a header: a token, or a quoted text.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  const std::string low = lower(header);
  const std::string wanted = std::string(name) + "=";
  for (std::size_t at = low.find(wanted); at != std::string::npos; at = low.find(wanted, at + 1)) {
    if (at != 0 && low[at - 1] != ' ' && low[at - 1] != ';' && low[at - 1] != '\t') continue;
    std::string_view rest = header.substr(at + wanted.size());
    std::string value;
    if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find_first_of("; \t\r\n")));
    for (std::size_t i = 1; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '"') ++i;
      value += rest[i];
    }
    return value;
  }
  return std::nullopt;
}

}  // namespace

std::string MultipartReader::boundary_of(std::string_view content_type) {
  if (!lower(content_type.substr(0, 20)).starts_with("multipart/form-data")) return {};
  const auto found = parameter(content_type, "boundary");
  return found && found->size() <= 70 ? *found : std::string{};
}

MultipartReader::MultipartReader(std::string_view boundary, MultipartEvents& events)
    : mark_("\r\n--" + std::string(boundary)), events_(events), waiting_("\r\n") {}

bool MultipartReader::stop(std::string_view why) {
  state_ = State::failed;
  if (problem_.empty()) problem_ = why;
  waiting_.clear();
  return false;
}

bool MultipartReader::take(Bytes bytes) {
  if (state_ == State::failed) return false;
  if (state_ == State::done) return true;
  waiting_.append(as_text(bytes));
  while (step()) {
  }
  return state_ != State::failed;
}

/// False: more bytes are needed, or it is over.
bool MultipartReader::step() {
  switch (state_) {
    case State::before: {  // a preamble is allowed, and ignored
      const auto at = waiting_.find(mark_);
      if (at == std::string::npos) {
        if (waiting_.size() > mark_.size()) waiting_.erase(0, waiting_.size() - mark_.size());
        return false;
      }
      waiting_.erase(0, at + mark_.size());
      state_ = State::after_boundary;
      return true;
    }
    case State::after_boundary:
      if (waiting_.size() < 2) return false;
      if (waiting_.starts_with("--")) {
        state_ = State::done;
        waiting_.clear();
        return false;
      }
      if (!waiting_.starts_with("\r\n")) return stop("a boundary is not followed by a new line");
      if (++parts_ > kMaxParts) return stop("the form has too many parts");
      state_ = State::head;
      return true;
    case State::head:
      return read_head();
    case State::field:
    case State::file:
      return read_part();
    case State::done:
    case State::failed:
      return false;
  }
  return false;
}

bool MultipartReader::read_head() {
  const auto end = waiting_.find("\r\n\r\n");
  if (end == std::string::npos) return waiting_.size() > kMaxHead ? stop("a part's head is too long") : false;
  if (end > kMaxHead) return stop("a part's head is too long");
  std::string disposition;
  for (std::size_t at = 2; at < end;) {  // the new line of the boundary stands first
    const auto line_end = std::min(waiting_.find("\r\n", at), end);
    const std::string_view line = std::string_view(waiting_).substr(at, line_end - at);
    if (lower(line.substr(0, 20)) == "content-disposition:") disposition = line.substr(20);
    at = line_end + 2;
  }
  const auto name = parameter(disposition, "name");
  if (!name) return stop("a part has no name");
  const auto file_name = parameter(disposition, "filename");
  name_ = *name;
  value_.clear();
  waiting_.erase(0, end + 4);
  const bool is_file = file_name || name_ == "file";
  state_ = is_file ? State::file : State::field;
  if (is_file && !events_.on_file(name_, file_name.value_or(""))) return stop("the file was not taken");
  return true;
}

/// Everything up to the boundary; what could be the beginning of one waits.
bool MultipartReader::read_part() {
  const auto at = waiting_.find(mark_);
  if (at != std::string::npos) {
    if (!give(std::string_view(waiting_).substr(0, at))) return false;
    waiting_.erase(0, at + mark_.size());
    return end_part();
  }
  const std::size_t held = std::min(waiting_.size(), mark_.size() - 1);
  const std::size_t sure = waiting_.size() - held;
  if (sure != 0 && give(std::string_view(waiting_).substr(0, sure))) waiting_.erase(0, sure);
  return false;
}

bool MultipartReader::give(std::string_view bytes) {
  if (bytes.empty()) return true;
  if (state_ == State::file) return events_.on_file_bytes(as_bytes(bytes)) || stop("the file was not taken");
  if (value_.size() + bytes.size() > kMaxField) return stop("a field is too long");
  value_.append(bytes);
  return true;
}

bool MultipartReader::end_part() {
  const bool taken = state_ == State::file ? events_.on_file_end() : events_.on_field(name_, value_);
  if (!taken) return stop("the form was not taken");
  state_ = State::after_boundary;
  return true;
}

}  // namespace tercet::upgrade
