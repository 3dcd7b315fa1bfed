#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct FileSettings {
  std::filesystem::path path;
  bool is_csv = false;
  std::vector<std::pair<std::string, Template>> columns;  ///< of CSV
  std::int64_t max_bytes = 0;                             ///< then a new file is begun
  std::int64_t keep = 0;                                  ///< older files than these newest ones go; 0: all stay
  bool daily = false;                                     ///< a new file with each day, UTC
};

/// A file that grows, as lines of JSON or of CSV. A batch is written and synced as one; what a crash has left of half a
/// batch is cut off before the next one, so that no line is ever half there.
class FileSink final : public rule::Sink {
 public:
  FileSink(FileSettings settings, std::string rule_name)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)) {}
  ~FileSink() override { close(); }

  Sent send(std::span<const rule::Queued> records, UnixMillis now) override {
    if (fd_ < 0 && !open()) return {0, Sent::Stop::retry, problem_, {}};
    if (is_full(now) && !rotate(now)) return {0, Sent::Stop::retry, problem_, {}};
    std::string text;
    if (size_ == 0 && settings_.is_csv) {
      for (std::size_t i = 0; i < settings_.columns.size(); ++i) append_csv(text, settings_.columns[i].first, i == 0);
      text += "\r\n";
    }
    for (const rule::Queued& record : records) {
      const Message message(record, rule_name_);
      if (!settings_.is_csv) {
        text.append(message.whole()).append("\n");
        continue;
      }
      for (std::size_t i = 0; i < settings_.columns.size(); ++i)
        append_csv(text, settings_.columns[i].second.text(message), i == 0);
      text += "\r\n";
    }
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return undo();
      rest.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::fdatasync(fd_) != 0) return undo();
    size_ += static_cast<std::int64_t>(text.size());
    day_ = now.ms / 86'400'000;
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  static void append_csv(std::string& line, std::string_view value, bool is_first) {
    if (!is_first) line += ',';
    // A leading = + - @ makes a formula of a text in spreadsheets.
    const bool is_number = !value.empty() && value.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
    const bool is_formula =
        !value.empty() && !is_number && std::string_view("=+-@").find(value[0]) != std::string_view::npos;
    if (!is_formula && value.find_first_of(",\"\r\n") == std::string_view::npos) {
      line += value;
      return;
    }
    line += '"';
    if (is_formula) line += '\'';
    for (const char c : value) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }

  bool fail(std::string_view what) {
    problem_ = settings_.path.string() + ": " + std::string(what) + ": " + std::strerror(errno);
    return false;
  }

  Sent undo() {
    fail("cannot be written");
    if (::ftruncate(fd_, size_) != 0) close();
    return {0, Sent::Stop::retry, problem_, {}};
  }

  bool open() {
    std::error_code bad;
    std::filesystem::create_directories(settings_.path.parent_path(), bad);
    fd_ = ::open(settings_.path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd_ < 0) return fail("cannot be opened");
    struct stat found {};
    if (::fstat(fd_, &found) != 0 || !S_ISREG(found.st_mode)) {
      errno = errno == 0 ? EINVAL : errno;
      fail("is no file");
      close();
      return false;
    }
    size_ = found.st_size;
    day_ = found.st_mtim.tv_sec / 86'400;
    // The end of half a line, from a crash: it will come again.
    char last = '\n';
    std::int64_t end = size_;
    while (end > 0 && ::pread(fd_, &last, 1, end - 1) == 1 && last != '\n') --end;
    if (end != size_ && ::ftruncate(fd_, end) != 0) {
      fail("cannot be mended");
      close();
      return false;
    }
    size_ = end;
    return true;
  }

  bool is_full(UnixMillis now) const {
    if (size_ == 0) return false;
    return size_ >= settings_.max_bytes || (settings_.daily && now.ms / 86'400'000 != day_);
  }

  /// The file gets the time in its name, and a new one is begun.
  bool rotate(UnixMillis now) {
    std::string stamp = utc_text(now.ms);
    std::erase_if(stamp, [](char c) { return c == '-' || c == ':' || c == '.'; });
    const std::filesystem::path& path = settings_.path;
    const std::filesystem::path old =
        path.parent_path() / (path.stem().string() + "-" + stamp + path.extension().string());
    if (::rename(path.c_str(), old.c_str()) != 0) return fail("cannot be renamed");
    close();
    if (settings_.keep != 0) clean();
    return open();
  }

  void clean() const {
    std::vector<std::filesystem::path> old;
    const std::string start = settings_.path.stem().string() + "-";
    std::error_code bad;
    for (const auto& one : std::filesystem::directory_iterator(settings_.path.parent_path(), bad)) {
      const std::string name = one.path().filename().string();
      if (name.starts_with(start) && one.path().extension() == settings_.path.extension()) old.push_back(one.path());
    }
    std::sort(old.begin(), old.end());
    while (static_cast<std::int64_t>(old.size()) > settings_.keep) {
      std::filesystem::remove(old.front(), bad);
      old.erase(old.begin());
    }
  }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  FileSettings settings_;
  std::string rule_name_, problem_;
  int fd_ = -1;
  std::int64_t size_ = 0, day_ = 0;
};

}  // namespace

std::unique_ptr<rule::Sink> make_file(const Making& making, Settings& settings) {
  FileSettings made;
  made.path = making.place(settings.text("path"));
  if (made.path.empty() || !made.path.has_filename())
    settings.refuse("path",
                    "is a file's name within the platform's data folder, or an absolute path if the platform's "
                    "configuration allows such ([rules] absolute_paths)");
  made.is_csv = settings.choice("format", {"jsonl", "csv"}, "jsonl") == "csv";
  made.max_bytes = settings.number_or("max_megabytes", 100, 1, 100'000) << 20;
  made.keep = settings.number_or("keep", 0, 0, 10'000);
  made.daily = settings.flag_or("daily", false);
  if (const auto* columns = settings.object("columns")) {
    for (const auto& member : *columns) {
      std::string problem;
      auto value = member.value().is_string() ? Template::parse(std::string(member.value().get_string()), problem)
                                              : std::nullopt;
      if (value)
        made.columns.emplace_back(std::string(member.key()), std::move(*value));
      else
        settings.refuse("columns", std::string(member.key()) + " is a text such as ${temperature}");
    }
    if (!made.is_csv) settings.refuse("columns", "are of the format csv");
  } else if (made.is_csv) {
    settings.refuse("columns", "are needed for csv: {\"time\":\"${time}\",\"temperature\":\"${temperature}\"}");
  }
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<FileSink>(std::move(made), making.rule_name);
}

}  // namespace tercet::sink
