#include "platform/file/files.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/runtime/log.h"
#include "tercet/base/check.h"

namespace tercet::file {

using alink::Code;
using alink::Conflict;
using auth::Cause;
using registry::RegistryProblem;
using thing::FileMessage;

namespace {

constexpr std::size_t kIdSize = 32, kPiece = 64 * 1024;
constexpr Seconds kTick{60};

// A row's number is its file's name in the folder.
constexpr std::array<std::string_view, 1> kMigrations{R"sql(
CREATE TABLE files(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, device INTEGER NOT NULL, name TEXT NOT NULL,
  complete INTEGER NOT NULL, bytes INTEGER NOT NULL, created INTEGER NOT NULL, init_uid TEXT NOT NULL,
  checksum TEXT NOT NULL);
CREATE INDEX files_by_device ON files(device, number);
CREATE UNIQUE INDEX files_by_name ON files(device, name) WHERE complete=1;
)sql"};

/// Hexadecimal or decimal: the vendor does not say which.
bool says(std::string_view text, std::uint64_t sum) {
  for (const int base : {16, 10}) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size() && value == sum) return true;
  }
  return false;
}

template <typename Write>
std::string written(std::size_t texts, Write&& write) {
  std::string out(texts + 400, '\0');
  Writer writer({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  write(writer);
  TERCET_CHECK(writer.ok());
  out.resize(writer.size());
  return out;
}

RegistryProblem no_such_file(std::string_view id) {
  return {
      Error::not_found, "tercet.file.NotExisted",
      "the device has no file '" + std::string(id) + "': QueryDeviceFileList and tercet file list show those it has"};
}

RegistryProblem disk_problem(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

FileRecord record_of(const store::Statement& row) {
  FileRecord file;
  file.number = static_cast<std::uint64_t>(row.integer(0));
  file.id = row.text(1);
  file.name = row.text(2);
  file.bytes = static_cast<std::uint64_t>(row.integer(3));
  file.created.ms = row.integer(4);
  return file;
}

}  // namespace

runtime::Outcome<std::unique_ptr<Files>> Files::open(const std::filesystem::path& file,
                                                     const std::filesystem::path& folder, Parts parts,
                                                     Settings settings) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  if (const auto ready = database->migrate(kMigrations); !ready) return store::with_file(ready.problem(), file);
  auto opened = Folder::open(folder);
  if (!opened) return opened.problem();
  std::unique_ptr<Files> made(new Files(std::move(parts), settings, std::move(*database), std::move(*opened)));
  if (const auto loaded = made->load(); !loaded) return store::with_file(loaded.problem(), file);
  made->finish_interrupted();
  made->expire();
  return made;
}

Files::Files(Parts parts, Settings settings, store::Database database, Folder folder)
    : parts_(std::move(parts)),
      settings_(settings),
      database_(std::move(database)),
      folder_(std::move(folder)),
      timer_([](void* self) { static_cast<Files*>(self)->expire(); }, this) {}

runtime::Outcome<void> Files::load() {
  std::set<std::uint64_t> known;
  auto rows = database_.must_prepare(
      "SELECT number, id, name, bytes, created, complete, device, init_uid, checksum FROM files");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.problem();
    if (!*row) break;
    const FileRecord file = record_of(rows);
    known.insert(file.number);
    if (rows.integer(5) != 0) {
      kept_bytes_ += file.bytes;
      continue;
    }
    Upload upload;
    upload.number = file.number, upload.id = file.id, upload.name = file.name, upload.created = file.created.ms;
    upload.announced = rows.integer(3);
    upload.device = static_cast<std::uint64_t>(rows.integer(6));
    upload.init_uid = rows.text(7), upload.check = rows.text(8);
    upload.received = folder_.growing(file.number).value_or(0);
    if (upload.announced >= 0)
      upload.received = std::min(upload.received, static_cast<std::uint64_t>(upload.announced));
    growing_bytes_ += upload.announced >= 0 ? static_cast<std::uint64_t>(upload.announced) : upload.received;
    by_id_[upload.id] = upload.number;
    growing_.emplace(upload.number, std::move(upload));
  }
  folder_.keep_only(known);
  return {};
}

/// What had all its bytes when the server ended.
void Files::finish_interrupted() {
  std::vector<std::uint64_t> all;
  for (const auto& [number, upload] : growing_) all.push_back(number);
  for (const auto number : all) {
    Upload& upload = growing_.at(number);
    const auto named = folder_.growing(number) ? nullptr : folder_.read(number);
    if (named) upload.received = named->bytes();
    if (!named && (upload.announced < 0 || upload.received != static_cast<std::uint64_t>(upload.announced))) continue;
    const Verdict verdict = complete(upload);
    runtime::log(runtime::LogLevel::info, "upload_finished_at_start",
                 {{"code", std::to_string(alink::number(verdict.code))}});
  }
}

void Files::on_message(const FileMessage& message) {
  if (!parts_.registry.device(message.device)) return;  // deleted meanwhile: its connection is about to be closed
  switch (message.kind) {
    case FileMessage::Kind::init:
      return on_init(message);
    case FileMessage::Kind::block:
      return on_block(message);
    case FileMessage::Kind::cancel:
      return on_cancel(message);
  }
}

void Files::on_init(const FileMessage& message) {
  Upload* upload = resumable(message);
  const Verdict verdict = upload != nullptr ? Verdict{} : begin(message, upload);
  note(message, verdict);
  const alink::UploadReply reply{message.id, verdict.code, verdict.said};
  send(message, "init", written(message.id.size() + verdict.said.size() + message.file_name.size(), [&](Writer& out) {
         if (upload == nullptr) return alink::write_upload_init_reply(out, reply, message.file_name);
         alink::write_upload_init_reply(out, reply, message.file_name, upload->id, upload->received, upload->announced);
       }));
}

/// The upload that this init is about already: it is the same init again, or asks where to go on.
Files::Upload* Files::resumable(const FileMessage& message) {
  Upload* const known = growing_of_name(message.device, message.file_name);
  if (known == nullptr || known->announced != message.file_bytes) return nullptr;
  if (!message.init_uid.empty() && known->init_uid == message.init_uid) return known;
  if (message.conflict != Conflict::append || known->check != message.check) return nullptr;
  return known;
}

Files::Verdict Files::begin(const FileMessage& message, Upload*& begun) {
  if (message.conflict != Conflict::overwrite && has_file(message.device, message.file_name))
    return {Code::file_exists, Cause::params_wrong_type,
            message.file_name + " is there, and conflictStrategy is " + std::string(alink::name(message.conflict))};
  if (const Upload* const old = growing_of_name(message.device, message.file_name)) give_up(old->number);
  if (const Verdict verdict = room_for(message); verdict.code != Code::success) return verdict;
  Upload upload;
  upload.id = new_id();
  upload.device = message.device, upload.name = message.file_name, upload.init_uid = message.init_uid;
  upload.check = message.check, upload.announced = message.file_bytes, upload.created = now();
  auto insert = database_.must_prepare(
      "INSERT INTO files(id, device, name, complete, bytes, created, init_uid, checksum) VALUES(?,?,?,0,?,?,?,?)");
  const auto put =
      insert
          .bind(upload.id, upload.device, upload.name, upload.announced, upload.created, upload.init_uid, upload.check)
          .run();
  if (!put) return failed(put.problem());
  upload.number = static_cast<std::uint64_t>(database_.last_row());
  if (upload.announced > 0) growing_bytes_ += static_cast<std::uint64_t>(upload.announced);
  by_id_[upload.id] = upload.number;
  begun = &growing_.emplace(upload.number, std::move(upload)).first->second;
  return {};
}

Files::Verdict Files::room_for(const FileMessage& message) {
  auto others = database_.must_prepare("SELECT count(*) FROM files WHERE device=? AND name!=?");
  if (const auto row = others.bind(message.device, message.file_name).step(); !row) return failed(row.problem());
  if (static_cast<std::size_t>(others.integer(0)) >= settings_.files_per_device) {
    const std::string most = std::to_string(settings_.files_per_device);
    return {Code::system_exception, Cause::store_full, "the device has " + most + " files: delete some", false,
            "the device has " + most + " files, delete some"};
  }
  const auto wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(message.file_bytes, 0));
  if (kept_bytes_ + growing_bytes_ + wanted > settings_.quota_bytes) return over_quota();
  return {};
}

Files::Verdict Files::over_quota() const {
  return {Code::system_exception, Cause::store_full,
          "files of all devices may have " + std::to_string(settings_.quota_bytes) + " bytes: delete some", false,
          "no room for more files on the platform, delete some"};
}

Files::Verdict Files::failed(const runtime::Problem& problem) const {
  runtime::log(runtime::LogLevel::error, "file_not_written", {{"detail", problem.detail}});
  return {Code::system_exception, Cause::internal, problem.detail};
}

void Files::on_block(const FileMessage& message) {
  const Verdict verdict = take(message);
  note(message, verdict);
  send(message, "send", written(message.id.size() + message.upload.size() + verdict.said.size(), [&](Writer& out) {
         alink::write_upload_send_reply(out, {message.id, verdict.code, verdict.said}, message.upload, message.offset,
                                        message.bytes.size(), verdict.is_complete);
       }));
}

bool Files::is_last(const Upload& upload, const FileMessage& message) {
  if (upload.announced < 0) return message.is_complete;
  return message.offset + message.bytes.size() == static_cast<std::uint64_t>(upload.announced);
}

Files::Verdict Files::take(const FileMessage& message) {
  Upload* const upload = growing(message.device, message.upload);
  if (upload == nullptr) return unknown(message.device, message.upload);
  const std::uint64_t end = message.offset + message.bytes.size();
  // The last one again: all is there, but to complete it has failed before, or the server ended meanwhile.
  if (message.offset < upload->received && end == upload->received && is_last(*upload, message))
    return complete(*upload);
  if (Verdict verdict = fits(*upload, message); verdict.code != Code::success) return verdict;
  const Bytes bytes = as_bytes(message.bytes);
  if (const auto done = folder_.write(upload->number, message.offset, bytes); !done) return failed(done.problem());
  if (upload->summed == upload->received && !upload->check.empty()) upload->sum.add(bytes), upload->summed = end;
  if (upload->announced < 0) growing_bytes_ += bytes.size();
  upload->received = end;
  return is_last(*upload, message) ? complete(*upload) : Verdict{};
}

Files::Verdict Files::fits(const Upload& upload, const FileMessage& message) const {
  const std::uint64_t size = message.bytes.size(), end = message.offset + size;
  if (message.offset < upload.received && end <= upload.received) return {Code::block_repeated};
  if (message.offset != upload.received)
    return {
        Code::block_out_of_order, Cause::params_wrong_type,
        "offset " + std::to_string(message.offset) + ", but " + std::to_string(upload.received) + " bytes have come"};
  if (upload.announced >= 0 && end > static_cast<std::uint64_t>(upload.announced))
    return {
        Code::parameter_error, Cause::params_wrong_type,
        "the block ends at " + std::to_string(end) + ", the file has " + std::to_string(upload.announced) + " bytes"};
  if (end > alink::kMaxUploadBytes)
    return {Code::file_too_large, Cause::params_wrong_type, "more than 16777216 bytes have come"};
  if (message.is_complete && !is_last(upload, message))
    return {Code::parameter_error, Cause::params_wrong_type,
            "isComplete at " + std::to_string(end) + " of " + std::to_string(upload.announced) + " bytes"};
  if (size < alink::kMinUploadBlock && !is_last(upload, message))
    return {Code::block_too_small, Cause::params_wrong_type,
            std::to_string(size) + " bytes in a block that is not the last, at least 256"};
  if (upload.announced < 0 && kept_bytes_ + growing_bytes_ + size > settings_.quota_bytes) return over_quota();
  return {};
}

/// Nothing: it cannot be read.
std::optional<bool> Files::is_whole(Upload& upload) {
  if (upload.check.empty()) return true;
  if (upload.summed < upload.received) {
    auto content = folder_.read(upload.number, true);
    if (!content) content = folder_.read(upload.number);
    std::vector<std::uint8_t> piece(kPiece);
    while (upload.summed < upload.received) {
      const auto wanted = std::min<std::uint64_t>(piece.size(), upload.received - upload.summed);
      const auto got = content ? content->read(upload.summed, MutableBytes(piece).first(wanted)) : 0;
      if (got == 0) return std::nullopt;
      upload.sum.add(Bytes(piece).first(got));
      upload.summed += got;
    }
  }
  return says(upload.check, upload.sum.value());
}

/// All bytes are there. The file takes the place of an older one of its name.
Files::Verdict Files::complete(Upload& upload) {
  const auto whole = is_whole(upload);
  if (!whole) return failed({Error::io_failed, "an uploaded file cannot be read back"});
  if (!*whole) {
    const Verdict verdict{Code::file_damaged, Cause::params_wrong_type,
                          upload.name + ": ficValue says " + upload.check + ", the CRC-64/XZ of " +
                              std::to_string(upload.received) + " bytes is another"};
    give_up(upload.number);
    return verdict;
  }
  if (upload.received == 0)
    if (const auto made = folder_.write(upload.number, 0, {}); !made) return failed(made.problem());
  if (const auto kept = folder_.keep(upload.number); !kept) return failed(kept.problem());
  std::vector<FileRecord> older;
  const auto write = [&]() -> runtime::Outcome<void> {
    auto transaction = database_.begin();
    if (!transaction) return transaction.problem();
    auto same = database_.must_prepare(
        "SELECT number, id, name, bytes, created FROM files WHERE device=? AND name=? AND complete=1");
    same.bind(upload.device, upload.name);
    for (;;) {
      const auto row = same.step();
      if (!row) return row.problem();
      if (!*row) break;
      older.push_back(record_of(same));
    }
    auto erase = database_.must_prepare("DELETE FROM files WHERE number=?");
    for (const FileRecord& file : older)
      if (const auto gone = erase.bind(file.number).run(); !gone) return gone.problem();
    auto put = database_.must_prepare("UPDATE files SET complete=1, bytes=?, created=? WHERE number=?");
    if (const auto done = put.bind(upload.received, now(), upload.number).run(); !done) return done.problem();
    return transaction->commit();
  };
  if (const auto done = write(); !done) return failed(done.problem());
  for (const FileRecord& file : older) {
    kept_bytes_ -= file.bytes;
    folder_.remove(file.number);
  }
  kept_bytes_ += upload.received;
  drop(growing_.find(upload.number));
  Verdict verdict;
  verdict.is_complete = true;
  return verdict;
}

void Files::on_cancel(const FileMessage& message) {
  const Upload* const upload = growing(message.device, message.upload);
  const Verdict verdict = upload == nullptr ? unknown(message.device, message.upload) : Verdict{};
  if (upload != nullptr) give_up(upload->number);
  note(message, verdict);
  send(message, "cancel", written(message.id.size() + message.upload.size(), [&](Writer& out) {
         alink::write_upload_cancel_reply(out, {message.id, verdict.code}, message.upload);
       }));
}

/// An id of which nothing is growing.
Files::Verdict Files::unknown(std::uint64_t device, std::string_view id) {
  auto complete = database_.must_prepare("SELECT 1 FROM files WHERE id=? AND device=? AND complete=1");
  const auto row = complete.bind(id, device).step();
  if (row && *row) return {Code::upload_finished};
  return {Code::upload_not_found, Cause::params_wrong_type, "uploadId " + std::string(id)};
}

Files::Upload* Files::growing(std::uint64_t device, std::string_view id) {
  const auto number = by_id_.find(std::string(id));
  if (number == by_id_.end()) return nullptr;
  Upload& upload = growing_.at(number->second);
  if (upload.device != device) return nullptr;
  if (upload.created + settings_.unfinished.count() > now()) return &upload;
  give_up(upload.number);
  return nullptr;
}

Files::Upload* Files::growing_of_name(std::uint64_t device, std::string_view name) {
  auto found = database_.must_prepare("SELECT id FROM files WHERE device=? AND name=? AND complete=0");
  const auto row = found.bind(device, name).step();
  return row && *row ? growing(device, found.text(0)) : nullptr;
}

bool Files::has_file(std::uint64_t device, std::string_view name) {
  auto found = database_.must_prepare("SELECT 1 FROM files WHERE device=? AND name=? AND complete=1");
  const auto row = found.bind(device, name).step();
  return row && *row;
}

void Files::drop(std::map<std::uint64_t, Upload>::iterator at) {
  const Upload& upload = at->second;
  growing_bytes_ -= upload.announced >= 0 ? static_cast<std::uint64_t>(upload.announced) : upload.received;
  by_id_.erase(upload.id);
  growing_.erase(at);
}

void Files::give_up(std::uint64_t number) {
  auto erase = database_.must_prepare("DELETE FROM files WHERE number=?");
  // A row that stays is given up at the next start, when it is too old.
  if (const auto gone = erase.bind(number).run(); !gone) static_cast<void>(failed(gone.problem()));
  folder_.remove(number);
  drop(growing_.find(number));
}

void Files::expire() {
  std::vector<std::uint64_t> old;
  for (const auto& [number, upload] : growing_)
    if (upload.created + settings_.unfinished.count() <= now()) old.push_back(number);
  for (const auto number : old) give_up(number);
  timer_.set(parts_.loop, parts_.loop.now() + kTick);
}

void Files::forget(std::uint64_t device) {
  auto rows = database_.must_prepare("SELECT number, id, name, bytes, created, complete FROM files WHERE device=?");
  rows.bind(device);
  std::vector<std::uint64_t> numbers;
  while (true) {
    const auto row = rows.step();
    if (!row || !*row) break;
    const FileRecord file = record_of(rows);
    numbers.push_back(file.number);
    if (rows.integer(5) != 0) kept_bytes_ -= file.bytes;
  }
  auto erase = database_.must_prepare("DELETE FROM files WHERE device=?");
  if (const auto gone = erase.bind(device).run(); !gone) static_cast<void>(failed(gone.problem()));
  for (const auto number : numbers) {
    folder_.remove(number);
    if (const auto at = growing_.find(number); at != growing_.end()) drop(at);
  }
}

Answer<registry::Page<FileRecord>> Files::list(const registry::DeviceRef& ref, registry::PageRequest page) {
  const auto device = parts_.registry.device(ref);
  if (!device) return device.problem();
  registry::Page<FileRecord> found;
  found.asked = page;
  auto count = database_.must_prepare("SELECT count(*) FROM files WHERE device=? AND complete=1");
  if (const auto row = count.bind(device->device.number).step(); !row) return disk_problem(row.problem());
  found.total = static_cast<std::uint64_t>(count.integer(0));
  auto rows = database_.must_prepare(
      "SELECT number, id, name, bytes, created FROM files WHERE device=? AND complete=1 ORDER BY created DESC, "
      "number DESC LIMIT ? OFFSET ?");
  rows.bind(device->device.number, page.size, (page.page - 1) * page.size);
  for (;;) {
    const auto row = rows.step();
    if (!row) return disk_problem(row.problem());
    if (!*row) break;
    found.items.push_back(record_of(rows));
  }
  return found;
}

Answer<FileRecord> Files::find(const registry::DeviceRef& ref, std::string_view id) {
  const auto device = parts_.registry.device(ref);
  if (!device) return device.problem();
  auto rows = database_.must_prepare(
      "SELECT number, id, name, bytes, created FROM files WHERE device=? AND id=? AND complete=1");
  const auto row = rows.bind(device->device.number, id).step();
  if (!row) return disk_problem(row.problem());
  if (!*row) return no_such_file(id);
  return record_of(rows);
}

Answer<void> Files::remove(const registry::DeviceRef& ref, std::string_view id) {
  const auto file = find(ref, id);
  if (!file) return file.problem();
  auto erase = database_.must_prepare("DELETE FROM files WHERE number=?");
  if (const auto gone = erase.bind(file->number).run(); !gone) return disk_problem(gone.problem());
  folder_.remove(file->number);
  kept_bytes_ -= file->bytes;
  return {};
}

Files::Opened Files::content(std::string_view id) {
  auto rows = database_.must_prepare("SELECT number, name FROM files WHERE id=? AND complete=1");
  const auto row = rows.bind(id).step();
  if (!row || !*row) return {};
  return {rows.text(1), folder_.read(static_cast<std::uint64_t>(rows.integer(0)))};
}

void Files::send(const FileMessage& message, std::string_view tail, std::string payload) {
  const std::string topic = "/sys/" + message.product + "/" + message.name + "/thing/file/upload/mqtt/";
  parts_.send(
      {message.device, message.product, message.name, topic + std::string(tail) + "_reply", std::move(payload)});
}

void Files::note(const FileMessage& message, const Verdict& verdict) {
  if (verdict.evidence.empty()) return;
  if (const std::int64_t minute = now() / 60'000; minute != notes_minute_) notes_minute_ = minute, notes_.clear();
  if (++notes_[message.device] > settings_.notes_per_minute) return;
  broker::Refusal refusal;
  refusal.at = parts_.loop.wall();
  refusal.stage = broker::Refusal::Stage::message;
  refusal.name = message.product + "/" + message.name;
  refusal.code = static_cast<std::uint32_t>(alink::number(verdict.code));
  refusal.cause = auth::code(verdict.cause);
  refusal.evidence = verdict.evidence.substr(0, 900) + " [file upload]";
  parts_.journal.record(std::move(refusal));
}

std::string Files::new_id() {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string id;
  for (std::size_t i = 0; i < kIdSize; ++i) id += kLetters[parts_.loop.random().next() % kLetters.size()];
  return id;
}

}  // namespace tercet::file
