// `tercet file`: files that devices have uploaded.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/perform.h"

namespace tercet::cli {
namespace {

struct Words {
  std::string product, device, file;
  int page = 1;
};

std::shared_ptr<Words> words_of(CLI::App* verb, bool wants_file) {
  auto words = std::make_shared<Words>();
  verb->add_option("product", words->product, "ProductKey")->required();
  verb->add_option("device", words->device, "DeviceName")->required();
  if (wants_file) verb->add_option("file", words->file, "FileId, of `tercet file list`")->required();
  return words;
}

}  // namespace

void add_file_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* file = app.add_subcommand("file", "files that devices have uploaded");
  file->require_subcommand(1);

  CLI::App* list = verb_of(*file, verbs, "list", "the files of a device, newest first");
  auto listed = words_of(list, false);
  list->add_option("--page", listed->page, "page, from 1")->check(CLI::Range(1, 1'000));
  list->callback([&verbs, listed] {
    perform(verbs, {"QueryDeviceFileList",
                    {{"ProductKey", listed->product},
                     {"DeviceName", listed->device},
                     {"CurrentPage", std::to_string(listed->page)},
                     {"PageSize", "50"}},
                    "Data.FileSummary",
                    {"FileId", "Name", "Size", "UtcCreatedOn"}});
  });

  CLI::App* show = verb_of(*file, verbs, "show", "one of them, with the address where it is fetched");
  auto shown = words_of(show, true);
  show->callback([&verbs, shown] {
    perform(verbs, {"QueryDeviceFile",
                    {{"ProductKey", shown->product}, {"DeviceName", shown->device}, {"FileId", shown->file}},
                    "Data",
                    {"Name", "Size", "UtcCreatedOn", "DownloadUrl"}});
  });

  CLI::App* gone = verb_of(*file, verbs, "delete", "take it away");
  auto taken = words_of(gone, true);
  gone->callback([&verbs, taken] {
    perform(verbs, {"DeleteDeviceFile",
                    {{"ProductKey", taken->product}, {"DeviceName", taken->device}, {"FileId", taken->file}},
                    "",
                    {}});
  });
}

}  // namespace tercet::cli
