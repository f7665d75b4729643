-- What is known now: each slice from the one delivery in force, whole.
with in_force as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime' and is_in_force
),

cells as (
    select * from {{ ref('stg_returns__recorded_crime') }}
)

select
    cells.return_code,
    cells.reporting_unit_code,
    cells.month,
    cells.area_code,
    cells.offence_code,
    cells.offences,
    cast(null as bigint) as sanction_detections,
    in_force.as_at_on,
    cells.delivery_id,
    cells.area_printed,
    cells.major_category_printed,
    cells.minor_category_printed,
    cells.source_sheet,
    cells.source_row,
    cells.source_column,
    cells.source_cell
from cells
inner join in_force
    on
        cells.delivery_id = in_force.delivery_id
        and cells.month = in_force.slice_period
        and cells.reporting_unit_code = in_force.reporting_unit_code
