-- How a month's force-wide total moved from one delivery to the next.
with coverage as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime'
),

delivery_totals as (
    select
        delivery_id,
        month,
        reporting_unit_code,
        {{ total('offences') }} as offences
    from {{ ref('stg_returns__recorded_crime') }}
    group by delivery_id, month, reporting_unit_code
),

-- A slice is covered even where the delivery prints no row for it: its total is zero.
totals as (
    select
        coverage.return_code,
        coverage.reporting_unit_code,
        coverage.slice_period as month,
        coverage.delivery_id,
        coverage.as_at_on,
        coverage.sequence_number,
        coverage.scheme,
        coalesce(delivery_totals.offences, 0) as offences
    from coverage
    left join delivery_totals
        on
            coverage.delivery_id = delivery_totals.delivery_id
            and coverage.slice_period = delivery_totals.month
            and coverage.reporting_unit_code = delivery_totals.reporting_unit_code
),

beside_earlier as (
    select
        *,
        lag(scheme) over by_knowledge as previous_scheme,
        lag(offences) over by_knowledge as previous_offences,
        first_value(scheme) over by_knowledge as first_scheme,
        first_value(offences) over by_knowledge as first_offences
    from totals
    window by_knowledge as (partition by return_code, reporting_unit_code, month order by sequence_number)
),

judged as (
    select
        *,
        case
            when sequence_number = 1
                then 'The first delivery of this month: there is none before it.'
            when (scheme is distinct from previous_scheme)
                then 'The delivery before is under scheme ' || previous_scheme || ', this one under ' || scheme || '.'
        end as comparison_refused_reason,
        case
            when (scheme is distinct from first_scheme)
                then 'The first delivery is under scheme ' || first_scheme || ', this one under ' || scheme || '.'
        end as since_first_refused_reason
    from beside_earlier
),

changes as (
    select
        *,
        case when comparison_refused_reason is null then offences - previous_offences end as change,
        case when since_first_refused_reason is null then offences - first_offences end as change_since_first
    from judged
)

select
    return_code,
    reporting_unit_code,
    month,
    delivery_id,
    as_at_on,
    sequence_number,
    cast({{ dbt.datediff('month', 'as_at_on', 'month') }} as integer) as months_after,
    scheme,
    offences,
    previous_offences,
    change,
    100 * {{ ratio('change', 'previous_offences') }} as change_pct,
    comparison_refused_reason,
    first_offences,
    change_since_first,
    100 * {{ ratio('change_since_first', 'first_offences') }} as change_since_first_pct,
    since_first_refused_reason
from changes
