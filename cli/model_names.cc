#include "cli/model_names.h"

#include <algorithm>
#include <iterator>

namespace tercet::cli {
namespace {

/// Sorted. Keywords of C++20, alternative tokens, and macros that <cstdint>, <cstring> and their like may bring.
constexpr std::string_view kTaken[] = {
    "EOF",         "FILE",         "NULL",         "alignas",   "alignof",  "and",      "and_eq",
    "asm",         "assert",       "auto",         "bitand",    "bitor",    "bool",     "break",
    "case",        "catch",        "char",         "char16_t",  "char32_t", "char8_t",  "class",
    "co_await",    "co_return",    "co_yield",     "compl",     "concept",  "const",    "const_cast",
    "consteval",   "constexpr",    "constinit",    "continue",  "decltype", "default",  "delete",
    "do",          "double",       "dynamic_cast", "else",      "enum",     "errno",    "explicit",
    "export",      "extern",       "false",        "float",     "for",      "friend",   "goto",
    "if",          "inline",       "int",          "linux",     "long",     "mutable",  "namespace",
    "new",         "noexcept",     "not",          "not_eq",    "nullptr",  "offsetof", "operator",
    "or",          "or_eq",        "private",      "protected", "public",   "register", "reinterpret_cast",
    "requires",    "return",       "short",        "signed",    "sizeof",   "static",   "static_assert",
    "static_cast", "stderr",       "stdin",        "stdout",    "struct",   "switch",   "template",
    "this",        "thread_local", "throw",        "true",      "try",      "typedef",  "typeid",
    "typename",    "union",        "unix",         "unsigned",  "using",    "virtual",  "void",
    "volatile",    "wchar_t",      "while",        "xor",       "xor_eq"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

/// Letters and digits as they are, underscores single and inside only, nothing else.
std::string words_of(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

/// What must not be: empty, a digit first, a name of the implementation, a keyword.
std::string legal(std::string name) {
  if (name.empty() || is_digit(name.front())) name.insert(name.begin(), 'n');
  if (std::binary_search(std::begin(kTaken), std::end(kTaken), std::string_view(name))) name += '_';
  return name;
}

}  // namespace

std::string ModelNames::once(std::string name) {
  std::string found = name;
  for (int n = 2; !given_.insert(found).second; ++n)
    found = name + (is_digit(name.back()) ? "_" : "") + std::to_string(n);
  return found;
}

std::string ModelNames::value(std::string_view identifier) { return once(legal(words_of(identifier))); }

std::string ModelNames::type(std::string_view identifier, std::string_view suffix) {
  std::string out;
  bool starts_word = true;
  for (const char c : words_of(identifier)) {
    if (c == '_') {
      starts_word = true;
      continue;
    }
    out += starts_word ? upper(c) : c;
    starts_word = false;
  }
  return once(legal(out + std::string(suffix)));
}

std::string ModelNames::choice(std::string_view text, int number) {
  std::string name = words_of(text);
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (!is_ascii || name.empty() || name.size() > 40 || is_digit(name.front())) {
    const auto digits = std::to_string(number < 0 ? -static_cast<long>(number) : number);
    return once((number < 0 ? "value_minus_" : "value_") + digits);
  }
  for (char& c : name) c = lower(c);
  return once(legal(std::move(name)));
}

std::string ModelNames::name_space(std::string_view stem) { return legal(words_of(stem)); }

}  // namespace tercet::cli
