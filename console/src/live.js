import { onUnmounted, ref } from 'vue';

import { session } from './api.js';

// Server-sent events while a view is shown. `onUpdate` gets {Devices, Refusals, Resync}; `onState` is called when the
// whole state must be asked for: whenever the stream opens, also the first time (what changed since the view loaded is
// not told by the stream), and when the server left something out.
export function useLive(filter, { onUpdate, onState }) {
  const connected = ref(false);
  let source = null;
  let retry = null;
  let ended = false;

  function open() {
    source = new EventSource(`/console/events?${new URLSearchParams(filter)}`);
    source.onopen = () => {
      connected.value = true;
      onState();
    };
    source.addEventListener('update', (event) => {
      const update = JSON.parse(event.data);
      if (update.Resync) onState();
      onUpdate(update);
    });
    source.onerror = async () => {
      connected.value = false;
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      source.close();
      // Refused: the session has ended (the app then shows the login), or too many pages are open.
      session.loggedIn = false;
      if ((await session.check()) && !ended) retry = setTimeout(open, 3000);
    };
  }
  open();
  onUnmounted(() => {
    ended = true;
    clearTimeout(retry);
    source.close();
  });
  return { connected };
}
