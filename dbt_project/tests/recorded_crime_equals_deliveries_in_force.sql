-- Nothing lost and nothing twice on the way: a slice's total is the sum of the cells that its delivery holds.
with in_force as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime' and is_in_force
),

handed_in as (
    select
        in_force.return_code,
        in_force.reporting_unit_code,
        in_force.slice_period as month,
        {{ total('cells.offences') }} as offences
    from in_force
    inner join {{ source('raw', 'recorded_crime') }} as cells
        on
            in_force.delivery_id = cells.delivery_id
            and in_force.slice_period = cells.slice_period
            and in_force.reporting_unit_code = cells.reporting_unit_code
    group by in_force.return_code, in_force.reporting_unit_code, in_force.slice_period
),

known as (
    select
        return_code,
        reporting_unit_code,
        month,
        {{ total('offences') }} as offences
    from {{ ref('fct_recorded_crime') }}
    group by return_code, reporting_unit_code, month
)

select
    handed_in.return_code,
    handed_in.reporting_unit_code,
    handed_in.month,
    handed_in.offences as offences_handed_in,
    known.offences as offences_known
from handed_in
full outer join known
    on
        handed_in.return_code = known.return_code
        and handed_in.reporting_unit_code = known.reporting_unit_code
        and handed_in.month = known.month
where handed_in.offences is distinct from known.offences
