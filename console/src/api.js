import { reactive } from 'vue';

import { i18n } from './locales/index.js';

// Every request of the page carries this header: a foreign site cannot send it.
const headers = { 'content-type': 'application/json', 'x-tercet-console': '1' };

export class ApiError extends Error {
  constructor(code, message, status) {
    super(message || code);
    this.code = code;
    this.status = status;
  }
}

async function post(path, body) {
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body ?? {}), credentials: 'same-origin' });
  } catch {
    throw new ApiError('Unreachable', i18n.global.t('error.unreachable'), 0);
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError('NoAnswer', i18n.global.t('error.answer', { status: response.status }), response.status);
  }
  if (response.ok && answer.Success !== false) return answer;
  if (response.status === 401 && answer.Code === 'NotLoggedIn') session.loggedIn = false;
  throw new ApiError(answer.Code, answer.ErrorMessage || answer.Message, response.status);
}

// The same actions as the OpenAPI's; Lang chooses the language of explanations.
export const call = (action, parameters = {}) => post(`/console/api/${action}`, { Lang: i18n.global.locale.value, ...parameters });

export const session = reactive({
  loggedIn: false,
  async check() {
    if (this.loggedIn) return true;
    try {
      const answer = await (await fetch('/console/session', { credentials: 'same-origin' })).json();
      this.loggedIn = answer.LoggedIn === true;
    } catch {
      this.loggedIn = false;
    }
    return this.loggedIn;
  },
  async logIn(credentials) {
    await post('/console/login', credentials);
    this.loggedIn = true;
  },
  async logOut() {
    await post('/console/logout').catch(() => {});
    this.loggedIn = false;
  },
});
