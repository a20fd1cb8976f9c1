import './style/tokens.css';
import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { connection } from './state/notices.svelte';
import { session } from './state/session.svelte';
import { settings } from './state/settings.svelte';

settings.start();
connection.start();
session.start();
const target = document.getElementById('app');
if (target) mount(App, { target });
