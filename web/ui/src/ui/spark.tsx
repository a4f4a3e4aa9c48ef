// A small line without axes; the number beside it says what it means.

export function Spark({ values, label, max }: { values: number[]; label: string; max?: number }) {
  if (values.length < 2) return null;
  const low = Math.min(0, ...values);
  const high = max ?? (Math.max(...values) || 1);
  const point = (value: number, index: number) => {
    const x = (index / (values.length - 1)) * 100;
    const y = 28 - ((Math.min(value, high) - low) / (high - low || 1)) * 26;
    return `${x.toFixed(2)},${y.toFixed(2)}`;
  };
  const line = values.map(point).join(' ');
  return (
    <svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,30 ${line} 100,30`} />
      <polyline points={line} fill="none" vector-effect="non-scaling-stroke" />
    </svg>
  );
}
