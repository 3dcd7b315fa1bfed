#include "tercet/base/check.h"

#include <cstdlib>

namespace tercet {
namespace {
CheckHandler handler_ = nullptr;
}

void set_check_handler(CheckHandler handler) { handler_ = handler; }

void check_failed(const char* condition, const char* file, int line) {
  if (handler_ != nullptr) handler_(condition, file, line);
  std::abort();
}

void check_failed() { check_failed("a check", "", 0); }

}  // namespace tercet
