// The parameters of a plug-in's function, read from its signature as Python prints it, and how a form asks for each.

export type Asked = 'file' | 'yesno' | 'number' | 'choice' | 'date' | 'datetime' | 'json' | 'lines' | 'text';
export interface Parameter { name: string; annotation: string; preset: string | null; asked: Asked; several: boolean; choices: string[] }

const OPEN = '([{';
const CLOSE = ')]}';

/** The parts between separators that stand in no brackets and no text. */
export function parts(text: string, separator: string): string[] {
  const found: string[] = [];
  let [depth, quote, begin] = [0, '', 0];
  for (let i = 0; i < text.length; i += 1) {
    const one = text[i] ?? '';
    if (quote) {
      if (one === '\\') i += 1;
      else if (one === quote) quote = '';
    } else if (one === '"' || one === "'") quote = one;
    else if (OPEN.includes(one)) depth += 1;
    else if (CLOSE.includes(one)) depth -= 1;
    else if (depth === 0 && text.startsWith(separator, i)) {
      found.push(text.slice(begin, i));
      begin = i + separator.length;
      i = begin - 1;
    }
  }
  return [...found, text.slice(begin)].map((one) => one.trim());
}

/** What stands between the first bracket and the one that closes it. */
function inBrackets(text: string): string {
  let [depth, quote] = [0, ''];
  const from = text.indexOf('(');
  for (let i = from; i >= 0 && i < text.length; i += 1) {
    const one = text[i] ?? '';
    if (quote) {
      if (one === '\\') i += 1;
      else if (one === quote) quote = '';
    } else if (one === '"' || one === "'") quote = one;
    else if (OPEN.includes(one)) depth += 1;
    else if (CLOSE.includes(one) && (depth -= 1) === 0) return text.slice(from + 1, i);
  }
  return '';
}

const unquoted = (text: string): string => (/^(['"]).*\1$/s.test(text) ? text.slice(1, -1) : text);

/** Without `None`, `Optional` and the names of modules: what a value is. */
function core(annotation: string): string {
  const plain = unquoted(annotation).replace(/<class '([^']*)'>/g, '$1');
  const options = parts(plain, '|').filter((one) => one !== 'None');
  const first = options[0] ?? '';
  const wrapped = first.match(/^(?:typing\.)?(Optional|Union|Annotated)\[(.*)\]$/s);
  if (!wrapped) return first;
  return core(parts(wrapped[2] ?? '', ',').find((one) => one !== 'None') ?? '');
}

function asks(name: string, annotation: string): Pick<Parameter, 'asked' | 'several' | 'choices'> {
  const plain = core(annotation);
  const list = plain.match(/^(?:typing\.|collections\.abc\.)?(list|List|Sequence|set|Set|Iterable|tuple|Tuple)\[(.*)\]$/s);
  if (list) {
    const inner = asks(name, parts(list[2] ?? '', ',')[0] ?? '');
    return { ...inner, asked: inner.asked === 'file' ? 'file' : 'lines', several: true };
  }
  const literal = plain.match(/^(?:typing\.)?Literal\[(.*)\]$/s);
  if (literal) return { asked: 'choice', several: false, choices: parts(literal[1] ?? '', ',').map(unquoted) };
  const last = plain.split('.').at(-1) ?? '';
  const kinds: Record<string, Asked> = {
    bool: 'yesno', int: 'number', float: 'number', Decimal: 'number', str: 'text', date: 'date', datetime: 'datetime', dict: 'json', Dict: 'json', list: 'lines', set: 'lines', tuple: 'lines',
    bytes: 'file', bytearray: 'file', memoryview: 'file', BinaryIO: 'file', UploadFile: 'file', ndarray: 'file', Image: 'file',
  };
  const known = kinds[last] ?? (/^(Dict|dict)\[/.test(plain) ? 'json' : undefined);
  if (known) return { asked: known, several: known === 'lines', choices: [] };
  // Without an annotation the name is all there is.
  return { asked: plain === '' && /^(image|img|picture|photo|file|pixels)s?$/i.test(name) ? 'file' : 'text', several: false, choices: [] };
}

/** The parameters that a call can name; `*args` and `**kwargs` cannot be asked for. */
export function parametersOf(signature: string): Parameter[] {
  return parts(inBrackets(signature), ',').filter((one) => one && !['*', '/'].includes(one) && !one.startsWith('*')).map((one) => {
    const [declared = '', ...preset] = parts(one, '=');
    const [name = '', ...annotation] = parts(declared, ':');
    const typed = annotation.join(':');
    return { name, annotation: typed, preset: preset.length ? preset.join('=') : null, ...asks(name, typed) };
  });
}
