import './style/tokens.css';
import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { library } from './state/library.svelte';
import { connection } from './state/notices.svelte';
import { routes } from './state/route.svelte';
import { session } from './state/session.svelte';
import { settings } from './state/settings.svelte';

settings.start();
connection.start();
session.start();
// The list is on its way while the page is made.
if (routes.now.view === 'library') library.show(routes.now.filters, routes.now.sort);
const target = document.getElementById('app');
if (target) mount(App, { target });
