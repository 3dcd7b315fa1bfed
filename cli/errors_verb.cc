#include "cli/errors_verb.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/error_book.h"

namespace tercet::cli {
namespace {

struct Wanted {
  std::string code, chapter, language;
  bool markdown = false, zh = false;
};

void add_language(CLI::App& verb, Wanted& wanted) {
  verb.add_flag("--zh", wanted.zh, "in Chinese");
  verb.add_option("--lang", wanted.language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
}

int explain(const std::string& code, bool zh) {
  if (const auto found = find_error(code); !found.empty()) {
    std::cout << error_explanation(found, zh);
    return 0;
  }
  std::cerr << "tercet: " << (zh ? "手册中没有代码 " : "the book has no code ") << code
            << (zh ? "。最接近的是：\n" : ". The nearest ones:\n");
  std::cout << error_explanation(nearest_errors(code), zh);
  return 1;
}

}  // namespace

void add_errors(CLI::App& app, const std::string& language, int& exit_code) {
  auto wanted = std::make_shared<Wanted>();
  wanted->language = language;
  CLI::App* errors = app.add_subcommand("errors", "list every error code, with its cause; or explain one");
  errors->add_option("code", wanted->code, "explain this one");
  std::vector<std::string> chapters;
  for (const ErrorChapter& chapter : error_book()) chapters.emplace_back(chapter.name);
  errors->add_option("--of", wanted->chapter, "only these: alink, shadow, https, ota, api, journal")
      ->check(CLI::IsMember(chapters));
  errors->add_flag("--markdown", wanted->markdown, "print the page of the documentation");
  add_language(*errors, *wanted);
  errors->callback([wanted, &exit_code] {
    if (wanted->markdown)
      std::cout << error_page(wanted->zh);  // the page's language is asked for: it is a file, not for this reader
    else if (const bool zh = wanted->zh || wanted->language == "zh"; !wanted->code.empty())
      exit_code = explain(wanted->code, zh);
    else
      std::cout << error_list(wanted->chapter, zh);
  });

  auto asked = std::make_shared<Wanted>();
  asked->language = language;
  CLI::App* one = app.add_subcommand("explain", "what an error code means, where it comes from and what to do");
  one->add_option("code", asked->code, "6304, sign.order, iot.prod.NotExistedProduct, ...; -- -3 for a step")
      ->required();
  add_language(*one, *asked);
  one->callback([asked, &exit_code] { exit_code = explain(asked->code, asked->zh || asked->language == "zh"); });
}

}  // namespace tercet::cli
