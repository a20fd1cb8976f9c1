// Whose key this browser uses. The key is exchanged for a cookie that scripts cannot read; the page never
// keeps the key.

import { need, type ProblemFacts, type Schemas, server, told } from '../api/server';
import { uploads } from './uploads.svelte';

class Session {
  key = $state.raw<Schemas['KeyPresented'] | null>(null);
  wanted = $state(false);
  problem = $state('');

  start(): void {
    told.keyWanted = (facts: ProblemFacts) => {
      if (this.wanted) return;
      this.wanted = true;
      this.problem = facts.code === 'key_missing' ? '' : (facts.detail ?? '');
    };
    need(server.GET('/v1/session')).then(({ key }) => { this.key = key ?? null; }, () => {});
  }

  /** Whether this visitor may do what a scope allows. An open server asks for no key. */
  may(scope: string): boolean {
    return !this.key || this.key.scopes.includes(scope) || this.key.scopes.includes('admin');
  }

  async signIn(key: string): Promise<void> {
    await server.POST('/v1/session', { body: { key } });
    // While a key was wanted, every other request of the page was refused.
    location.reload();
  }

  async signOut(): Promise<void> {
    // The next visitor of this browser has another key, or none.
    await uploads.forgetAll();
    await server.DELETE('/v1/session');
    location.reload();
  }
}

export const session = new Session();
