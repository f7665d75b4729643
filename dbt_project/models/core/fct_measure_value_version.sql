-- All that was ever known: a row for each figure, with the time through which it was held.
with coverage as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'measure_value'
),

figures as (
    select * from {{ ref('stg_returns__measure_value') }}
),

figures_in_order as (
    select
        figures.*,
        coverage.as_at_on,
        coverage.sequence_number,
        coverage.known_from,
        coverage.known_to
    from figures
    inner join coverage
        on
            figures.delivery_id = coverage.delivery_id
            and figures.slice_period = coverage.slice_period
            and figures.reporting_unit_code = coverage.reporting_unit_code
),

-- The slice is part of the key: sequence numbers count the deliveries of one slice.
versions as (
    {{ known_versions(
        'figures_in_order',
        key=[
            'return_code', 'reporting_unit_code', 'slice_period', 'measure_code', 'unit_code',
            'period_type', 'period_start_on', 'period_end_on', 'scenario',
        ],
        values=['value', 'value_low', 'value_high', 'qualifier', 'status', 'numerator', 'denominator'],
    ) }}
)

select
    return_code,
    reporting_unit_code,
    measure_code,
    unit_code,
    period_type,
    period_start_on,
    period_end_on,
    scenario,
    value,
    value_low,
    value_high,
    value_text,
    numerator,
    denominator,
    qualifier,
    status,
    value_basis,
    as_at_on,
    known_from,
    version_known_to as known_to,
    delivery_id,
    measure_printed,
    slice_period,
    source_sheet,
    source_row,
    source_column,
    source_cell
from versions
