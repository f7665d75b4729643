-- All that was ever known: a row for each count, with the time through which it was held.
with coverage as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime'
),

cells as (
    select * from {{ ref('stg_returns__recorded_crime') }}
),

cells_in_order as (
    select
        cells.*,
        coverage.as_at_on,
        coverage.sequence_number,
        coverage.known_from,
        coverage.known_to
    from cells
    inner join coverage
        on
            cells.delivery_id = coverage.delivery_id
            and cells.month = coverage.slice_period
            and cells.reporting_unit_code = coverage.reporting_unit_code
),

versions as (
    {{ known_versions(
        'cells_in_order',
        key=['return_code', 'reporting_unit_code', 'month', 'area_code', 'offence_code'],
        values=['offences'],
    ) }}
)

select
    return_code,
    reporting_unit_code,
    month,
    area_code,
    offence_code,
    offences,
    cast(null as bigint) as sanction_detections,
    as_at_on,
    known_from,
    version_known_to as known_to,
    delivery_id,
    area_printed,
    major_category_printed,
    minor_category_printed,
    source_sheet,
    source_row,
    source_column,
    source_cell
from versions
