// Signing in with an API key, where the server asks for one. The key is exchanged for a cookie that scripts
// cannot read; the page never keeps the key.
//
// What must hold: while a key is wanted, every other request of the page is refused, so the page is loaded
// again once one was accepted.

import { $, api } from './page.js';

/** Asks for a key; `problem` says why the one before was not accepted. */
function ask(problem) {
  const dialog = $('sign-in');
  if (dialog.open) return;
  $('sign-in-problem').textContent = problem?.code === 'key_missing' ? '' : problem?.detail ?? '';
  dialog.showModal();
  $('sign-in-key').focus();
}

async function signIn(event) {
  event.preventDefault();
  const button = $('sign-in-go');
  button.disabled = true;
  $('sign-in-problem').textContent = '';
  try {
    const body = JSON.stringify({ key: $('sign-in-key').value.trim() });
    await api('v1/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    $('sign-in-key').value = '';
    location.reload();
  } catch (error) {
    $('sign-in-problem').textContent = error.problem ? `${error.problem.detail} ${error.problem.next_step ?? ''}` : String(error);
    $('sign-in-key').select();
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  await api('v1/session', { method: 'DELETE' });
  location.reload();
}

export function setUpSignIn() {
  document.addEventListener('key-wanted', ({ detail }) => ask(detail));
  $('sign-in-form').addEventListener('submit', signIn);
  $('sign-in-go').addEventListener('click', signIn);
  // Without a key there is nothing to go back to.
  $('sign-in').addEventListener('cancel', (event) => event.preventDefault());
  $('sign-out').addEventListener('click', signOut);
  api('v1/session').then(({ key }) => {
    if (!key) return;
    $('signed-in').hidden = false;
    $('signed-in-name').textContent = key.name;
  }, () => {});
}
