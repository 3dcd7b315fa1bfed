#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/job/jobs.h"
#include "platform/registry/directory_feed.h"
#include "platform/registry/registry.h"
#include "platform/runtime/sim.h"
#include "platform/store/test_folder.h"

namespace tercet::job {

/// Jobs on a real registry and a real disk, in virtual time; devices are what `delivery` and `ticket` say of them.
class TestJobs {
 public:
  explicit TestJobs(int devices = 2, Settings settings = {})
      : world(7), host(world.add_host("10.0.0.1")), shards(host, 1), loop(host.add_loop()), settings_(settings) {
    directories.push_back(&directory);
    feed = std::make_unique<registry::DirectoryFeed>(loop, shards, directories);
    registry::SecretBox::Key key{};
    auto opened = registry::Registry::open(":memory:", registry::SecretBox(key), loop, *feed);
    TERCET_CHECK(opened.has_value());
    registry = std::move(*opened);
    registry::NewProduct wanted;
    wanted.name = "climate";
    product = registry->create_product(wanted)->product.key;
    for (int i = 1; i <= devices; ++i) {
      registry::NewDevice one;
      one.product = product;
      one.name = "board" + std::to_string(i);
      numbers.push_back(registry->register_device(one)->device.number);
    }
    restart();
  }
  /// What is not on disk is gone.
  void restart() {
    jobs.reset();
    auto opened = Jobs::open(folder.path() / "job.db",
                             {loop,
                              *registry,
                              [this](Letter letter, std::function<void(thing::Delivery)> told) {
                                sent.push_back(letter);
                                static_cast<void>(loop.post([this, told] { told(delivery); }));
                              },
                              [this](Command command, std::function<void(thing::SetTicket)> taken,
                                     std::function<void(thing::CallResult)> ended) {
                                commands.push_back(command);
                                answers.push_back(ended);
                                static_cast<void>(loop.post([this, taken] { taken(ticket); }));
                              },
                              {[this](const std::string& key) -> Answer<Files::Facts> {
                                 claimed.push_back(key);
                                 return Files::Facts{"00ff", "aabb"};
                               },
                               [this](const std::string& key) { dropped.push_back(key); },
                               [this](const std::string& key) { return files.empty() ? files : files + key; }}},
                             settings_);
    TERCET_CHECK(opened.has_value());
    jobs = std::move(*opened);
  }
  void run(Millis span = Millis{300}) { world.run_for(span); }

  NewJob wanted(JobType type = JobType::custom, std::string document = R"({"do":"calibrate"})") const {
    NewJob made;
    made.name = "calibrate";
    made.type = type;
    made.document = std::move(document);
    made.target = Target::product;
    made.product = product;
    return made;
  }
  Job create(const NewJob& one) {
    const auto made = jobs->create(one);
    TERCET_CHECK(made.has_value());
    return *made;
  }
  Job create() { return create(wanted()); }
  thing::JobMessage from(int board, thing::JobMessage::Kind kind) const {
    thing::JobMessage message;
    message.kind = kind;
    message.device = numbers.at(static_cast<std::size_t>(board - 1));
    message.product = product;
    message.name = "board" + std::to_string(board);
    message.id = "9";
    message.topic = "reply";
    return message;
  }
  void online(int board) { jobs->on_messages({from(board, thing::JobMessage::Kind::online)}); }
  /// The reply's payload; "" when there was none.
  std::string get(int board, const std::string& task = "$next") {
    auto message = from(board, thing::JobMessage::Kind::get);
    message.task = task;
    return answered(message);
  }
  std::string update(int board, const std::string& task, const std::string& status, int progress = -1) {
    auto message = from(board, thing::JobMessage::Kind::update);
    message.task = task, message.status = status, message.progress = progress;
    return answered(message);
  }
  std::vector<TaskRow> tasks(const Job& of) {
    TaskFilter filter;
    filter.job = of.number;
    filter.most = 1000;
    return *jobs->tasks(filter);
  }
  Task task(const Job& of, int board) { return tasks(of).at(static_cast<std::size_t>(board - 1)).task; }
  /// "QUEUED SENT": of its tasks, in the order of the devices.
  std::string states(const Job& of) {
    std::string text;
    for (const TaskRow& row : tasks(of)) text.append(text.empty() ? "" : " ").append(name(row.task.state));
    return text;
  }
  std::string status(const Job& of) {
    const auto now = jobs->job(of.id);
    return now ? std::string(name(now->status)) : "gone";
  }
  thing::CallResult result(std::int32_t code, std::string data = "{}") {
    thing::CallResult made;
    made.code = code, made.data = std::move(data), made.message = "said so";
    return made;
  }

  runtime::SimWorld world;
  runtime::SimHost& host;
  runtime::SimShards shards;
  runtime::SimLoop& loop;
  store::TestFolder folder;
  registry::Directory directory;
  std::vector<registry::Directory*> directories;
  std::unique_ptr<registry::DirectoryFeed> feed;
  std::unique_ptr<registry::Registry> registry;
  std::string product;
  std::vector<std::uint64_t> numbers;
  std::vector<Letter> sent;
  std::vector<Command> commands;
  std::vector<std::function<void(thing::CallResult)>> answers;
  thing::Delivery delivery = thing::Delivery::sent;
  thing::SetTicket ticket;
  std::string files = "https://here/";  ///< "": there is no port for files
  std::vector<std::string> claimed, dropped;
  std::unique_ptr<Jobs> jobs;

 private:
  std::string answered(const thing::JobMessage& message) {
    const std::size_t before = sent.size();
    jobs->on_messages({message});
    std::string payload = sent.size() > before ? sent.back().payload : std::string();
    run();
    return payload;
  }
  Settings settings_;
};

}  // namespace tercet::job
