/** How much longer a cached reply stays. Said from now on; the cache counts from when it was stored. */
import { type FormEvent, useState } from 'react';
import type { CacheEntryInfo } from 'tierwise';

import { Select } from '../parts/select';
import { TextField } from '../parts/text-field';
import { exactTime } from '../words';

const units = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 };
type Unit = keyof typeof units;
const mostDays = 3650;

export function LifeForm(props: {
  entry: CacheEntryInfo;
  now: number;
  /** False: the entry is gone. */
  edit: (change: { ttl: number }) => Promise<boolean>;
}) {
  const { entry, now, edit } = props;
  const [start] = useState(() => inUnits(entry.expiresAt - now));
  const [amount, setAmount] = useState(start.amount);
  const [unit, setUnit] = useState<Unit>(start.unit);
  const [problem, setProblem] = useState<string>();
  const ms = msOf(amount, unit);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (typeof ms !== 'number') return setProblem(ms.problem);
    try {
      const found = await edit({ ttl: Math.max(1, Date.now() - entry.storedAt + ms) });
      setProblem(found ? undefined : 'It is no longer in the cache.');
    } catch (error) {
      setProblem(`Nothing was changed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return (
    <form className="life-form" onSubmit={(event) => void submit(event)} noValidate>
      <TextField
        label="Keep it for"
        name="life"
        value={amount}
        problem={problem}
        help={typeof ms === 'number' ? `From now: until ${exactTime(now + ms)}.` : 'From now on.'}
        onChange={(next) => {
          setAmount(next);
          setProblem(undefined);
        }}
        after={
          <>
            <Select<Unit>
              label="Unit"
              hideLabel
              value={unit}
              options={[
                { value: 'minutes', label: 'minutes' },
                { value: 'hours', label: 'hours' },
                { value: 'days', label: 'days' },
              ]}
              onChange={setUnit}
            />
            <button type="submit" className="button">
              Change
            </button>
          </>
        }
      />
    </form>
  );
}

/** In the largest unit that says it in a whole number, at least two; 60 hours are not 2 days. */
function inUnits(ms: number): { amount: string; unit: Unit } {
  const whole = (unit: Unit) => Math.round(ms / units[unit]);
  const unit = (['days', 'hours'] as const).find((name) => {
    return whole(name) >= 2 && Math.abs(ms / units[name] - whole(name)) < 0.02;
  });
  return { amount: String(Math.max(1, whole(unit ?? 'minutes'))), unit: unit ?? 'minutes' };
}

function msOf(amount: string, unit: Unit): number | { problem: string } {
  const value = Number(amount.trim().replace(',', '.'));
  if (amount.trim() === '' || !(value > 0)) return { problem: 'Enter a number above 0.' };
  const ms = value * units[unit];
  return ms > mostDays * units.days ? { problem: 'At most 3,650 days.' } : ms;
}
