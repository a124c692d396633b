/** The shape of the summary while it comes. */
export function SummarySkeleton() {
  return (
    <div className="summary" role="status" aria-label="Loading">
      <div className="totals" aria-hidden="true">
        {Array.from({ length: 6 }, (_, at) => (
          <div key={at} className="bone-total">
            <span className="bone" />
            <span className="bone" />
          </div>
        ))}
      </div>
      <div className="chart-grid" aria-hidden="true">
        {Array.from({ length: 5 }, (_, at) => (
          <div key={at} className={at === 0 ? 'chart-card bone-chart wide' : 'chart-card bone-chart'}>
            <span className="bone" />
            <span className="bone" />
          </div>
        ))}
      </div>
    </div>
  );
}
