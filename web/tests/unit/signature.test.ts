import { describe, expect, it } from 'vitest';
import { parametersOf } from '../../src/pure/signature';

const asked = (signature: string) => parametersOf(signature).map((one) => [one.name, one.asked, one.several, one.preset]);

describe('a signature', () => {
  it('says what a form asks for', () => {
    expect(asked("(image: numpy.ndarray, bins: int = 8, *, name: str = 'a, b', grey: bool = False) -> dict[str, int]")).toEqual([
      ['image', 'file', false, null], ['bins', 'number', false, '8'], ['name', 'text', false, "'a, b'"], ['grey', 'yesno', false, 'False'],
    ]);
  });
  it('is read without annotations, with options and with brackets in defaults', () => {
    expect(asked('(image, x=None, f=(1, 2))')).toEqual([['image', 'file', false, null], ['x', 'text', false, 'None'], ['f', 'text', false, '(1, 2)']]);
    expect(asked("(a: 'Optional[float]' = None, b: int | None = None, c: datetime.date = None)")).toEqual([['a', 'number', false, 'None'], ['b', 'number', false, 'None'], ['c', 'date', false, 'None']]);
    expect(asked('()')).toEqual([]);
    expect(asked('nonsense')).toEqual([]);
  });
  it('has choices, lists and objects', () => {
    const [mode, files, tags, more] = parametersOf("(mode: Literal['fast', 'a,b'], files: list[PIL.Image.Image], tags: Sequence[str], more: dict[str, int], *args, **kwargs)");
    expect(mode).toMatchObject({ asked: 'choice', choices: ['fast', 'a,b'] });
    expect(files).toMatchObject({ asked: 'file', several: true });
    expect(tags).toMatchObject({ asked: 'lines', several: true });
    expect(more).toMatchObject({ asked: 'json' });
  });
});
