// What a visitor has chosen for this browser: theme, size of the pictures, language.

import { getLocale, type Locale, setLocale } from '../paraglide/runtime.js';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const stored = (name: string): string | null => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};

const store = (name: string, value: string): void => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Without storage the choice holds for this visit.
  }
};

class Settings {
  theme = $state<Theme>(THEMES.find((one) => one === stored('resight-theme')) ?? 'auto');
  rowHeight = $state(Number(stored('resight-row')) || 190);
  locale = $state<Locale>(getLocale());

  start(): void {
    this.show();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    store('resight-theme', theme);
    this.show();
  }

  setRowHeight(height: number): void {
    this.rowHeight = height;
    store('resight-row', String(height));
  }

  setLocale(locale: Locale): void {
    void setLocale(locale, { reload: false });
    this.locale = locale;
    this.show();
  }

  private show(): void {
    const root = document.documentElement;
    if (this.theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = this.theme;
    root.lang = this.locale === 'zh' ? 'zh-CN' : this.locale;
  }
}

export const settings = new Settings();
