#include "platform/rule/alarm.h"

namespace tercet::rule {

AlarmState advance_alarm(const AlarmSettings& settings, Verdict verdict, std::int64_t now, DeviceMemory& memory,
                         bool& changed) {
  changed = false;
  if (verdict == Verdict::met && !memory.is_raised) {
    changed = true;
    memory.is_raised = true;
    memory.raised_at = now;
    // changed_at: when a beginning was last told.
    if (memory.changed_at != 0 && now - memory.changed_at < settings.silence) {
      memory.told_at = 0;
      return AlarmState::none;
    }
    memory.told_at = memory.changed_at = now;
    return AlarmState::raised;
  }
  if (verdict == Verdict::met) {
    // One that began within the silence and lasts beyond it is told then.
    if (memory.told_at == 0) {
      if (now - memory.changed_at < settings.silence) return AlarmState::none;
      changed = true;
      memory.told_at = memory.changed_at = now;
      return AlarmState::raised;
    }
    if (settings.remind == 0 || now - memory.told_at < settings.remind) return AlarmState::none;
    changed = true;
    memory.told_at = now;
    return AlarmState::reminder;
  }
  if (verdict != Verdict::not_met || !memory.is_raised) return AlarmState::none;
  changed = true;
  memory.is_raised = false;
  const bool was_told = memory.told_at != 0;
  memory.told_at = 0;
  return settings.recovery && was_told ? AlarmState::recovered : AlarmState::none;
}

}  // namespace tercet::rule
