interface SliderProps {
  id: string;
  label: string;
  /** The value as it is shown, and what it does in words. */
  shown: string;
  says: string;
  range: { min: number; max: number; step: number; value: number };
  disabled?: boolean;
  change: (value: number) => void;
}

export function Slider({ id, label, shown, says, range, disabled = false, change }: SliderProps) {
  return (
    <div class={disabled ? 'slider idle' : 'slider'}>
      <label for={id}>{label}</label>
      <strong aria-hidden="true">{shown}</strong>
      <input
        id={id}
        type="range"
        {...range}
        disabled={disabled}
        aria-valuetext={`${shown}: ${says}`}
        onInput={({ currentTarget }) => change(currentTarget.valueAsNumber)}
      />
      <small aria-hidden="true">{says}</small>
    </div>
  );
}
