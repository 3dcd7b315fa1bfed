#include "platform/script/engine.h"

#include <duktape.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace tercet::script {

using alink::Code;

std::string_view name(Function function) {
  switch (function) {
    case Function::raw_to_protocol:
      return "rawDataToProtocol";
    case Function::protocol_to_raw:
      return "protocolToRawData";
    case Function::transform:
      return "transformPayload";
    default:
      return "check";
  }
}

namespace {

/// What the interpreter has been given, each piece with its size in front.
struct Memory {
  std::size_t left;
  bool was_refused = false;
};
constexpr std::size_t kFront = alignof(std::max_align_t);

void* give(void* memory, duk_size_t size) {
  auto& all = *static_cast<Memory*>(memory);
  if (size == 0) return nullptr;
  if (size > all.left || size + kFront > all.left) return all.was_refused = true, nullptr;
  auto* const front = static_cast<unsigned char*>(std::malloc(size + kFront));
  if (front == nullptr) return all.was_refused = true, nullptr;
  all.left -= size + kFront;
  std::memcpy(front, &size, sizeof size);
  return front + kFront;
}

duk_size_t size_of(void* piece) {
  duk_size_t size = 0;
  std::memcpy(&size, static_cast<unsigned char*>(piece) - kFront, sizeof size);
  return size;
}

void take_back(void* memory, void* piece) {
  if (piece == nullptr) return;
  static_cast<Memory*>(memory)->left += size_of(piece) + kFront;
  std::free(static_cast<unsigned char*>(piece) - kFront);
}

void* resize(void* memory, void* piece, duk_size_t size) {
  if (piece == nullptr) return give(memory, size);
  if (size == 0) return take_back(memory, piece), nullptr;
  void* const moved = give(memory, size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, piece, std::min(size, size_of(piece)));
  take_back(memory, piece);
  return moved;
}

/// Only what no protected call can catch comes here: an interpreter that has no memory to say so.
[[noreturn]] void give_up(void*, const char*) { std::_Exit(3); }

std::uint64_t processor_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

/// What the C functions below share with run_here(); nothing in it needs its destructor run by an interpreter that
/// jumps over frames.
struct Job {
  const Request* request;
  Outcome* outcome;
};
Job& job_of(duk_context* context) {
  duk_push_heap_stash(context);
  duk_get_prop_string(context, -1, "job");
  auto* const job = static_cast<Job*>(duk_get_pointer(context, -1));
  duk_pop_2(context);
  return *job;
}

bool has_function(duk_context* context, std::string_view function) {
  duk_push_global_object(context);
  duk_get_prop_lstring(context, -1, function.data(), function.size());
  const bool is_there = duk_is_function(context, -1) != 0;
  duk_pop_2(context);
  return is_there;
}

/// [ ] -> [ array of numbers 0..255 ]
void push_bytes(duk_context* context, const std::string& bytes) {
  const duk_idx_t array = duk_push_array(context);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    duk_push_uint(context, static_cast<unsigned char>(bytes[i]));
    duk_put_prop_index(context, array, static_cast<duk_uarridx_t>(i));
  }
}

void refuse(Outcome& outcome, Code code, const char* detail) {
  outcome.code = code;
  outcome.detail = detail;
}

/// The bytes on top of the stack: an array of numbers -128..255, a typed array, a buffer.
void take_bytes(duk_context* context, Outcome& outcome) {
  if (duk_is_buffer_data(context, -1)) {
    duk_size_t size = 0;
    const void* const data = duk_get_buffer_data(context, -1, &size);
    if (size > kMaxOutput) return refuse(outcome, Code::script_wrong_type, "more than 255 KB of bytes");
    outcome.output.assign(static_cast<const char*>(data), size);
  } else if (duk_is_array(context, -1)) {
    const duk_size_t size = duk_get_length(context, -1);
    if (size > kMaxOutput) return refuse(outcome, Code::script_wrong_type, "more than 255 KB of bytes");
    for (duk_size_t i = 0; i < size; ++i) {
      duk_get_prop_index(context, -1, static_cast<duk_uarridx_t>(i));
      const double value = duk_is_number(context, -1) ? duk_get_number(context, -1) : 1e9;
      duk_pop(context);
      const bool is_byte = value >= -128 && value <= 255 && value == static_cast<int>(value);
      if (!is_byte)
        return refuse(outcome, Code::script_wrong_type, "an element of the array is no whole number from -128 to 255");
      outcome.output += static_cast<char>(static_cast<int>(value));
    }
  } else {
    return refuse(outcome, Code::script_wrong_type, "an array of bytes is wanted");
  }
  if (outcome.output.empty()) refuse(outcome, Code::script_failed, "the script gave no bytes");
}

void take_json(duk_context* context, Outcome& outcome) {
  duk_size_t size = 0;
  duk_json_encode(context, -1);
  const char* const text = duk_get_lstring(context, -1, &size);
  if (text == nullptr) return refuse(outcome, Code::script_wrong_type, "the object has no JSON form");
  if (size > kMaxOutput) return refuse(outcome, Code::script_wrong_type, "more than 255 KB of JSON");
  outcome.output.assign(text, size);
}

bool is_plain_object(duk_context* context) {
  return duk_is_object(context, -1) && !duk_is_array(context, -1) && !duk_is_function(context, -1) &&
         !duk_is_buffer_data(context, -1);
}

/// Everything that a script can make fail, in one protected call.
duk_ret_t work(duk_context* context, void*) {
  Job& job = job_of(context);
  const Request& request = *job.request;
  Outcome& outcome = *job.outcome;
  duk_push_string(context, "script");
  duk_compile_lstring_filename(context, 0, request.script->data(), request.script->size());
  duk_call(context, 0);
  duk_pop(context);
  if (request.function == Function::check) {
    bool any = false;
    for (const auto one : {Function::raw_to_protocol, Function::protocol_to_raw, Function::transform})
      any |= has_function(context, name(one));
    if (!any)
      refuse(outcome, Code::script_function_missing,
             "the script defines none of rawDataToProtocol, protocolToRawData, transformPayload");
    return 0;
  }
  const std::string_view wanted = name(request.function);
  if (!has_function(context, wanted)) {
    refuse(outcome, Code::script_function_missing, "the script defines no function of this name");
    return 0;
  }
  duk_get_global_lstring(context, wanted.data(), wanted.size());
  duk_idx_t arguments = 1;
  if (request.function == Function::transform) {
    duk_push_lstring(context, request.topic.data(), request.topic.size());
    ++arguments;
  }
  if (request.function == Function::protocol_to_raw) {
    duk_push_lstring(context, request.input.data(), request.input.size());
    duk_json_decode(context, -1);
  } else {
    push_bytes(context, request.input);
  }
  duk_call(context, arguments);
  if (request.function == Function::protocol_to_raw || duk_is_buffer_data(context, -1))
    take_bytes(context, outcome);
  else if (request.function == Function::transform && duk_is_string(context, -1)) {
    duk_size_t size = 0;
    const char* const text = duk_get_lstring(context, -1, &size);
    if (size <= kMaxOutput)
      outcome.output.assign(text, size);
    else
      refuse(outcome, Code::script_wrong_type, "more than 255 KB of text");
  } else if (is_plain_object(context))
    take_json(context, outcome);
  else
    refuse(outcome, Code::script_wrong_type, "an object is wanted");
  if (outcome.ok() && outcome.output.empty()) refuse(outcome, Code::script_failed, "the script gave nothing");
  return 0;
}

/// "Error: text (line 3)", of whatever was thrown; runs protected, since the script may have made its text a trap.
duk_ret_t describe(duk_context* context, void*) {
  Outcome& outcome = *job_of(context).outcome;
  std::string line;
  if (duk_is_error(context, -1)) {
    duk_get_prop_string(context, -1, "lineNumber");
    if (duk_is_number(context, -1)) line = " (line " + std::to_string(duk_get_int(context, -1)) + ")";
    duk_pop(context);
  }
  const char* const text = duk_safe_to_string(context, -1);
  outcome.detail.assign(text, std::min<std::size_t>(std::strlen(text), 400)).append(line);
  return 1;
}

}  // namespace

Outcome run_here(const Request& request, std::size_t memory_bytes) {
  Outcome outcome;
  if (!request.script || request.script->empty())
    return refuse(outcome, Code::script_empty, "there is no script"), outcome;
  if (request.script->size() > kMaxScript)
    return refuse(outcome, Code::script_error, "the script has more than 128 KB"), outcome;
  const auto started = processor_micros();
  Memory memory{memory_bytes};
  Job job{&request, &outcome};
  duk_context* const context = duk_create_heap(give, resize, take_back, &memory, give_up);
  if (context == nullptr) return refuse(outcome, Code::script_error, "no memory for the interpreter"), outcome;
  duk_push_heap_stash(context);
  duk_push_pointer(context, &job);
  duk_put_prop_string(context, -2, "job");
  duk_pop(context);
  if (duk_safe_call(context, work, nullptr, 0, 1) != DUK_EXEC_SUCCESS) {
    outcome.code = Code::script_error;
    outcome.output.clear();
    if (duk_safe_call(context, describe, nullptr, 1, 1) != DUK_EXEC_SUCCESS)
      outcome.detail = "the script threw something that cannot be shown";
    if (memory.was_refused) {
      outcome.is_cut_off = true;
      outcome.detail =
          "the script wanted more than " + std::to_string(memory_bytes >> 20) + " MB of memory and was cut off";
    }
  }
  if (outcome.code != Code::success) outcome.output.clear();
  duk_destroy_heap(context);
  outcome.micros = processor_micros() - started;
  return outcome;
}

}  // namespace tercet::script
