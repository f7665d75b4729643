-- What is known now: each slice from the one delivery in force, whole.
with in_force as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'measure_value' and is_in_force
),

figures as (
    select * from {{ ref('stg_returns__measure_value') }}
)

select
    figures.return_code,
    figures.reporting_unit_code,
    figures.measure_code,
    figures.unit_code,
    figures.period_type,
    figures.period_start_on,
    figures.period_end_on,
    figures.scenario,
    figures.value,
    figures.value_low,
    figures.value_high,
    figures.value_text,
    figures.numerator,
    figures.denominator,
    figures.qualifier,
    figures.status,
    figures.value_basis,
    in_force.as_at_on,
    figures.delivery_id,
    figures.measure_printed,
    figures.slice_period,
    figures.source_sheet,
    figures.source_row,
    figures.source_column,
    figures.source_cell
from figures
inner join in_force
    on
        figures.delivery_id = in_force.delivery_id
        and figures.slice_period = in_force.slice_period
        and figures.reporting_unit_code = in_force.reporting_unit_code
